"""What is undone or changed on the way back: owners, names in records, TTLs, the response code, alias targets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from dnspolicy.model.answer import Answer, Freshness
from dnspolicy.model.name import from_text, master_text
from dnspolicy.model.rr import Record, Type
from dnspolicy.plugins.rewrite.names import Pattern, Renaming
from dnspolicy.plugins.rewrite.values import renamed_value, value_of

Ask = Callable[[str], Awaitable[Answer | None]]
"""Asks the whole server for the type of the query under another name; None when it cannot."""


class Response(Protocol):
    """Changes an answer. Raises BadName when a name it makes is none."""

    async def change(self, answer: Answer, ask: Ask) -> Answer: ...


class Restoring(Protocol):
    """Makes one name of another; the same text when it has nothing to say."""

    def restore(self, text: str) -> str: ...


class Back(msgspec.Struct, frozen=True):
    """The name that was made and all below it become the name as it was."""

    made: str
    was: str

    def restore(self, text: str) -> str:
        if text == self.made:
            return self.was
        return text.removesuffix(self.made) + self.was if text.endswith(f".{self.made}") else text


class BackSuffix(msgspec.Struct, frozen=True):
    """Whatever ends like the names that were made ends as before."""

    made: str
    was: str

    def restore(self, text: str) -> str:
        return text.removesuffix(self.made) + self.was if text.endswith(self.made) else text


class BackPattern(msgspec.Struct, frozen=True):
    """What a pattern matches becomes what the operator wrote."""

    pattern: Pattern

    def restore(self, text: str) -> str:
        found = self.pattern.rename(text, _no_label)
        return text if found is None else found


class Owners(msgspec.Struct, frozen=True):
    """The owners of all records."""

    names: Restoring

    async def change(self, answer: Answer, ask: Ask) -> Answer:
        return each(answer, self._one)

    def _one(self, record: Record) -> Record:
        before = master_text(record.owner)
        after = self.names.restore(before)
        return record if after == before else Record(from_text(after), record.type, record.ttl, record.rdata)


class Values(msgspec.Struct, frozen=True):
    """The names that CNAME, DNAME, MX, NAPTR, NS, PTR, SOA and SRV records point at."""

    names: Restoring

    async def change(self, answer: Answer, ask: Ask) -> Answer:
        return each(answer, self._one)

    def _one(self, record: Record) -> Record:
        value = value_of(record)
        if value is None:
            return record
        before = master_text(value)
        after = self.names.restore(before)
        return record if after == before else renamed_value(record, from_text(after))


class Ttl(msgspec.Struct, frozen=True):
    """TTLs within bounds, in seconds."""

    least: int
    most: int

    async def change(self, answer: Answer, ask: Ask) -> Answer:
        bounded = each(answer, self._one)
        fresh = answer.fresh
        return bounded if fresh.aged_since is None else bounded.changed(fresh=self._freshness(answer, fresh))

    def _one(self, record: Record) -> Record:
        ttl = min(max(record.ttl, self.least), self.most)
        return record if ttl == record.ttl else Record(record.owner, record.type, ttl, record.rdata)

    def _freshness(self, answer: Answer, fresh: Freshness) -> Freshness:
        """For TTLs that count down: they do so only between the bounds, and all records must do alike."""
        ttls = [r.ttl for section in (answer.answer, answer.authority, answer.additional) for r in section]
        above = [ttl - self.most for ttl in ttls if ttl > self.most]
        between = [ttl - self.least for ttl in ttls if self.least < ttl <= self.most]
        if self.least == self.most:
            return Freshness(fresh.ttl, fresh.rests)
        if between and len(between) == len(ttls):
            return fresh.capped(min(between))
        still = Freshness(fresh.ttl, fresh.rests)
        return still.capped(0.0 if between else min(above)) if between or above else still


class Code(msgspec.Struct, frozen=True):
    """One response code becomes another."""

    old: int
    new: int

    async def change(self, answer: Answer, ask: Ask) -> Answer:
        return answer.changed(rcode=self.new) if answer.rcode == self.old else answer


class Target(msgspec.Struct, frozen=True):
    """The target of the first alias that the rule is for becomes another, and what that one has takes the place of what
    followed."""

    names: Renaming

    async def change(self, answer: Answer, ask: Ask) -> Answer:
        kept: list[Record] = []
        for record in answer.answer:
            if record.type != Type.CNAME:
                continue
            target = value_of(record)
            to = None if target is None else self.names.rename(master_text(target), _no_label)
            if to is None:
                kept.append(record)
                continue
            found = await ask(to)
            if found is None:  # which may be different the next time
                return answer.changed(fresh=answer.fresh.capped(0.0))
            changed = renamed_value(record, from_text(to))
            return answer.changed(
                answer=(*kept, changed, *found.answer),
                tc=found.tc,
                ede=(*answer.ede, *found.ede),
                fresh=answer.fresh.also(found.fresh),
                rotate=found.rotate and not found.groups,
                groups=(),
                ordered=found.ordered,
                private=True,
            )
        return answer


def each(answer: Answer, change: Callable[[Record], Record]) -> Answer:
    """The answer with every record changed."""
    return answer.changed(
        answer=tuple(map(change, answer.answer)),
        authority=tuple(map(change, answer.authority)) if answer.authority else (),
        additional=tuple(map(change, answer.additional)) if answer.additional else (),
    )


def _no_label(label: str) -> str:
    return ""
