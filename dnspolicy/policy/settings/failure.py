"""The failure table: what an operator wrote down for questions without a usable decision."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional
from dnspolicy.model.errors import BadName
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.verdict import Phase


class OnError(StrEnum):
    """`last_known`: what was last said to the same question, whatever the revision; block when nothing is known."""

    BLOCK = "block"
    ALLOW = "allow"
    LAST_KNOWN = "last_known"


class FailureKind(StrEnum):
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    BAD_REPLY = "bad_reply"


class _Condition(StrEnum):
    ZONE = "zone"
    PHASE = "phase"
    KIND = "kind"


_WORDS = {_Condition.PHASE: tuple(Phase), _Condition.KIND: tuple(FailureKind)}


class OnErrorLine(msgspec.Struct, frozen=True):
    """`on_error ACTION [zone ZONE…] [phase PHASE…] [kind KIND…]`; what is not named does not matter."""

    action: Annotated[OnError, Positional]
    words: Annotated[tuple[str, ...], Positional] = ()

    def __post_init__(self) -> None:
        self.row()

    def row(self) -> Row:
        """The line, read. Raises ValueError."""
        given: dict[_Condition, list[str]] = {}
        current: list[str] | None = None
        for word in self.words:
            if word in tuple(_Condition):
                if current == [] or _Condition(word) in given:
                    raise ValueError(f"{word!r}: expected each of zone, phase, kind once, with words behind it")
                current = given[_Condition(word)] = []
            elif current is None:
                raise ValueError(f"{word!r}: expected zone, phase or kind")
            else:
                current.append(word)
        if current == []:
            raise ValueError(f"{self.words[-1]!r}: expected words behind it")
        return Row(
            self.action,
            tuple(_zone(word) for word in given.get(_Condition.ZONE, ())),
            frozenset(Phase(_known(_Condition.PHASE, word)) for word in given.get(_Condition.PHASE, ())),
            frozenset(FailureKind(_known(_Condition.KIND, word)) for word in given.get(_Condition.KIND, ())),
        )


def _zone(word: str) -> Name:
    try:
        return from_text(word)
    except BadName as problem:
        raise ValueError(f"{word!r} is no zone: {problem}") from None


def _known(condition: _Condition, word: str) -> str:
    if word not in _WORDS[condition]:
        raise ValueError(f"{word!r} is no {condition}; expected {', '.join(_WORDS[condition])}")
    return word


class Row(msgspec.Struct, frozen=True):
    """One row of the table. An empty condition holds always."""

    action: OnError
    zones: tuple[Name, ...] = ()
    phases: frozenset[Phase] = frozenset()
    kinds: frozenset[FailureKind] = frozenset()

    def concerns(self, kind: FailureKind, name: Name, phase: Phase) -> bool:
        """Whether this row says what follows from a failure of `kind` while `name` was judged."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.phases or phase in self.phases)
            and (not self.zones or any(name.under(zone) for zone in self.zones))
        )


class FailureTable(msgspec.Struct, frozen=True):
    """Rows in the order they were written: the first that concerns a failure decides, and block when none does."""

    rows: tuple[Row, ...] = ()

    @classmethod
    def of(cls, lines: tuple[OnErrorLine, ...]) -> FailureTable:
        """The table that lines of a Corefile describe."""
        return cls(tuple(line.row() for line in lines))

    def action(self, kind: FailureKind, name: Name, phase: Phase) -> OnError:
        """What follows."""
        for row in self.rows:
            if row.concerns(kind, name, phase):
                return row.action
        return OnError.BLOCK

    @property
    def keeps_last(self) -> bool:
        """Whether any row needs what was last said."""
        return any(row.action is OnError.LAST_KNOWN for row in self.rows)
