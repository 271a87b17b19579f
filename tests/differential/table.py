"""Which differences are meant: differences.yaml, and what it explains."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property

import msgspec
import yaml

from tests.differential.questions import Question
from tests.differential.seen import Parts
from tests.differential.world import HERE

_TTL = re.compile(r"ttl=\d+")


class Quirks(StrEnum):
    """What `quirks coredns` makes of a difference."""

    UNDO = "undone"
    KEEP = "stays"


class ButFor(StrEnum):
    """What has to be all that is different."""

    LETTERS = "letters"
    CACHED = "cached"
    """The case of letters, and TTLs."""
    TTL = "ttl"
    REPEATS = "repeats"
    """How often a record stands there, and what is said of CACHED."""

    def hides(self, theirs: str, ours: str) -> bool:
        """Whether two parts are the same but for this."""
        return self._without(theirs) == self._without(ours)

    def _without(self, part: str) -> str:
        if self is not ButFor.LETTERS:
            part = _TTL.sub("", part)
        if self is not ButFor.TTL:
            part = part.lower()
        lines = part.split("; ")
        return "; ".join(sorted(set(lines) if self is ButFor.REPEATS else lines))


class Entry(msgspec.Struct, frozen=True, dict=True):
    """One difference; see the head of differences.yaml."""

    id: str
    coredns: str
    ours: str
    why: str
    quirks: Quirks
    parts: dict[str, str]
    setups: tuple[str, ...] = ()
    name: str = ""
    types: tuple[str, ...] = ()
    not_types: tuple[str, ...] = ()
    qclass: str = "IN"
    mixed_case: bool = False
    but_for: ButFor | None = None

    def explains(self, setup: str, question: Question, part: str, theirs: str, ours: str) -> bool:
        """Whether this is why a part of the two answers differs."""
        if self.but_for is not None and not self.but_for.hides(theirs, ours):
            return False
        return self._is_asked(setup, question) and part in self.parts and self._fits(part, theirs, ours)

    def _is_asked(self, setup: str, question: Question) -> bool:
        if self.setups and setup not in self.setups:
            return False
        if (self.types and question.type not in self.types) or question.type in self.not_types:
            return False
        if (self.qclass and question.qclass != self.qclass) or (
            self.mixed_case and question.name == question.name.lower()
        ):
            return False
        return bool(self._name.fullmatch(question.name.lower()))

    def _fits(self, part: str, theirs: str, ours: str) -> bool:
        found = self._patterns[part]
        return found is None or bool(found.fullmatch(f"{theirs} > {ours}"))

    @cached_property
    def _name(self) -> re.Pattern[str]:
        return re.compile(self.name or ".*", re.VERBOSE)

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str] | None]:
        return {part: re.compile(text, re.DOTALL) if text else None for part, text in self.parts.items()}


class Table:
    """All entries, and how often each explained something."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self.used: Counter[tuple[str, bool]] = Counter()

    def unexplained(
        self, setup: str, question: Question, theirs: Parts, ours: Parts, differing: Iterable[str], *, quirky: bool
    ) -> list[str]:
        """Those of the parts that differ which no entry explains. `quirky`: ours has `quirks coredns`."""
        left, used = [], set()
        for part in differing:
            entry = self._why(setup, question, part, theirs.get(part, ""), ours.get(part, ""), quirky)
            if entry is None:
                left.append(part)
            else:
                used.add(entry.id)
        for name in used:
            self.used[name, quirky] += 1
        return left

    def _why(self, setup: str, question: Question, part: str, theirs: str, ours: str, quirky: bool) -> Entry | None:
        for entry in self.entries:
            if (not quirky or entry.quirks is Quirks.KEEP) and entry.explains(setup, question, part, theirs, ours):
                return entry
        return None


def load() -> Table:
    raw = yaml.safe_load((HERE / "differences.yaml").read_text())
    return Table(msgspec.convert(one, Entry) for one in raw)
