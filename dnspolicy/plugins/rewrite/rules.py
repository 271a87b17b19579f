"""The rules: what each does to a query, and what it leaves to be done to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.chain.plugin import Concerns
from dnspolicy.model.name import Name, from_text, master_text
from dnspolicy.model.query import Query, Via
from dnspolicy.plugins.rewrite.names import Described, Exact, Renaming
from dnspolicy.plugins.rewrite.responses import Back, Owners, Response, Values

_FEW = 4
"""Names that are compared one by one, which takes less time than hashing one does."""
AsItIs: tuple[Response, ...] = ()


class Turning:
    """A query on its way through the rules. `query` is what it has become so far, `text` its name.

    `once`: something of this one query went into it, so its answer must not be used again.
    """

    __slots__ = ("_metadata", "_subject", "ctx", "once", "query", "text")

    def __init__(self, query: Query, ctx: QueryContext, metadata: Metadata) -> None:
        self.query = query
        self.ctx = ctx
        self.text = master_text(query.name)
        self.once = False
        self._metadata = metadata
        self._subject = query

    def label(self, name: str) -> str:
        """The value of a metadata label, empty when nobody knows it."""
        return self._metadata.value(name, Subject(self._subject, self.ctx.identity))

    def rename(self, text: str) -> None:
        """Ask for another name from now on. Raises BadName."""
        to = valid(text)
        if to != self.query.name:
            self.query = self.query.renamed(to, Via.REWRITE)
        self.text = text


class Rule(Protocol):
    """One directive."""

    @property
    def stop(self) -> bool:
        """When it did something, no later rule is looked at."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The metadata labels it reads."""
        ...

    def turn(self, turning: Turning) -> tuple[Response, ...] | None:
        """Change the query; None when the rule is not for it. Raises BadName when the new name is none."""
        ...


class ForName(msgspec.Struct, frozen=True):
    """`name`: `renaming` makes the new name; `auto` undoes it in the answer, `responses` come on top."""

    stop: bool
    renaming: Renaming
    auto: bool = False
    responses: tuple[Response, ...] = AsItIs

    @property
    def labels(self) -> tuple[str, ...]:
        return self.renaming.labels if isinstance(self.renaming, Described) else ()

    def turn(self, turning: Turning) -> tuple[Response, ...] | None:
        before = turning.text
        after = self.renaming.rename(before, turning.label)
        if after is None:
            return None
        turning.rename(after)
        if not self.auto:
            return self.responses
        back = Back(turning.text, before)
        return (Owners(back), Values(back), *self.responses)


class _WithoutLabels(msgspec.Struct, frozen=True):
    """A rule that reads no metadata."""

    stop: bool

    @property
    def labels(self) -> tuple[str, ...]:
        return ()


class ForAnswer(_WithoutLabels, frozen=True):
    """`ttl`, `rcode` and `cname`: the query stays, the answer changes. Without `names` for every query."""

    responses: tuple[Response, ...]
    names: Renaming | None = None

    def turn(self, turning: Turning) -> tuple[Response, ...] | None:
        if self.names is None or self.names.rename(turning.text, turning.label) is not None:
            return self.responses
        return None


class ForType(_WithoutLabels, frozen=True):
    from_: int
    to: int

    def turn(self, turning: Turning) -> tuple[Response, ...] | None:
        if turning.query.qtype != self.from_:
            return None
        turning.query = msgspec.structs.replace(turning.query, qtype=self.to)
        return AsItIs


class ForClass(_WithoutLabels, frozen=True):
    from_: int
    to: int

    def turn(self, turning: Turning) -> tuple[Response, ...] | None:
        if turning.query.qclass != self.from_:
            return None
        turning.query = msgspec.structs.replace(turning.query, qclass=self.to)
        return AsItIs


def turned_by(rules: Sequence[Rule]) -> Concerns | None:
    """A test whether the first of the rules that turns anything may turn a query; None when only they can tell."""
    names, types, classes = set(), set(), set()
    for rule in rules:
        match rule:
            case ForName(renaming=Exact(from_=text)) | ForAnswer(names=Exact(from_=text)):
                names.add(from_text(text).labels)
            case ForType(from_=number):
                types.add(number)
            case ForClass(from_=number):
                classes.add(number)
            case _:
                return None
    known = tuple(names) if len(names) <= _FEW else frozenset(names)
    if not types and not classes:
        return lambda query: query.name.labels in known
    return lambda query: query.qtype in types or query.qclass in classes or query.name.labels in known


def valid(text: str) -> Name:
    """The name that a rule made. Raises BadName."""
    return from_text(text or "..")
