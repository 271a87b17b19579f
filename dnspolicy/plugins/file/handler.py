"""The room: answers from zone files, follows aliases, and hands its zones to the `transfer` room."""

from __future__ import annotations

from collections.abc import Sequence

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.plugin import NO_FACTS, AskNext, Changed
from dnspolicy.chain.transfer import Told
from dnspolicy.model.answer import Answer, Drop, EdeCode, ExtendedError, Freshness, Reply
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query, Via
from dnspolicy.model.rr import TRANSFERS, Class, Rcode, Record, Type
from dnspolicy.plugins.file.config import Config
from dnspolicy.plugins.file.watch import Served, Watch
from dnspolicy.plugins.file.zone import Found

_MADE_BY = "file"
_REFUSED = Answer(Rcode.REFUSED, made_by=_MADE_BY, fresh=Freshness())
MAX_LINKS = 9
"""Aliases of one zone that one answer may have."""
Labels = tuple[bytes, ...]


class File:
    """All `file` directives of one server block; the one with the longest zone holds.

    Files are read on construction, which raises ConfigError with file and line when one cannot be used, and looked at
    again after `start`; what rests on a file is announced through `changed`. A file that turned bad keeps its last
    good zones. `origins`: the zones of the server block, which hold where a directive names none.
    """

    name = "file"
    reads = NO_FACTS

    def __init__(
        self, configs: Sequence[Config], *, origins: tuple[Name, ...], changed: Changed, metrics: Metrics
    ) -> None:
        self._served: dict[Labels, Served] = {}
        self._watches = tuple(
            Watch(config, tuple(map(from_text, config.zones)) or origins, changed, metrics) for config in configs
        )
        for watch in self._watches:
            self._served.update((served.name.labels, served) for served in watch.served)
        self._sizes = sorted({len(labels) for labels in self._served}, reverse=True)

    async def start(self) -> None:
        for watch in self._watches:
            watch.start()

    async def stop(self) -> None:
        for watch in self._watches:
            await watch.stop()

    def announce_to(self, told: Told) -> None:
        """Call `told` with every zone that gets another serial."""
        for watch in self._watches:
            watch.told = told

    def zones(self) -> tuple[Name, ...]:
        """The zones that can be transferred."""
        return tuple(served.name for served in self._served.values())

    def transfer(self, zone: Name) -> tuple[Record, ...] | None:
        """All records of a zone, for `chain.transfer`; None when it is not there."""
        found = self._served.get(zone.labels)
        return found.zone.records if found is not None else None

    def serial(self, zone: Name) -> int | None:
        """The serial of a zone; None when it is not there."""
        found = self._served.get(zone.labels)
        return found.zone.serial if found is not None else None

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        served = self._of(query.name.labels)
        if served is None:
            return await ask_next(query, ctx)
        if query.qclass != Class.IN or query.qtype in TRANSFERS:
            return _REFUSED
        signed = query.edns is not None and query.edns.do
        found = served.zone.find(query.name, query.qtype, signed)
        if found.alias is not None:
            return await self._follow(query, ctx, served, found, signed)
        if found.absent and served.falls(query.name):
            reply = await ask_next(query, ctx)
            if not isinstance(reply, Answer):
                return reply
            return reply.changed(fresh=reply.fresh.resting(served.fresh.rests))
        return _answer(found, (), served)

    def _of(self, labels: Labels) -> Served | None:
        """What serves the longest zone that holds a name."""
        count = len(labels)
        for size in self._sizes:
            if size <= count:
                found = self._served.get(labels[count - size :])
                if found is not None:
                    return found
        return None

    async def _follow(self, query: Query, ctx: QueryContext, served: Served, found: Found, signed: bool) -> Reply:
        """Aliases within the zone are followed here; for everything else the whole server is asked."""
        links: tuple[Record, ...] = ()
        seen = {query.name.labels}
        while found.alias is not None:
            links += tuple(record for record in found.answer if record not in links)
            target = found.alias
            if target.labels in seen:
                return _loop(served)
            seen.add(target.labels)
            if self._of(target.labels) is not served:
                return await self._outside(query, ctx, served, found, links)
            if len(seen) > MAX_LINKS:
                return _answer(Found(Rcode.NOERROR, (), found.authority), links, served)
            before, found = found, served.zone.find(target, query.qtype, signed)
            if found.absent and served.falls(target):
                return await self._outside(query, ctx, served, before, links)
        return _answer(found, links, served)

    async def _outside(
        self, query: Query, ctx: QueryContext, served: Served, found: Found, links: tuple[Record, ...]
    ) -> Reply:
        assert found.alias is not None
        reply = await ctx.resolve(query.renamed(found.alias, Via.CNAME), ctx)
        if isinstance(reply, Drop):
            return reply
        # Nobody here serves the target: the alias alone is the whole truth this server knows.
        unserved = reply.rcode == Rcode.REFUSED and not reply.made_by
        denied = tuple(record for record in reply.authority if record.type == Type.SOA)
        return Answer(
            Rcode.NOERROR if unserved else reply.rcode,
            (*links, *reply.answer),
            denied or (found.authority if reply.answer or unserved else ()),
            aa=True,
            tc=reply.tc,
            ede=reply.ede,
            made_by=_MADE_BY,
            fresh=reply.fresh.also(served.fresh),
            rotate=reply.rotate and not reply.groups,
            upstream=reply.upstream,
            ordered=reply.ordered,
            private=True,  # rooms that know the client had a say in the reply
        )


def _answer(found: Found, links: tuple[Record, ...], served: Served) -> Answer:
    """AA is clear only where nothing but a referral is said (RFC 1035 4.1.1)."""
    return Answer(
        found.rcode,
        links + found.answer if links else found.answer,
        found.authority,
        found.additional,
        aa=bool(links) or not found.referral,
        made_by=_MADE_BY,
        fresh=served.fresh,
    )


def _loop(served: Served) -> Answer:
    ede = (ExtendedError(EdeCode.OTHER, "aliases of the zone run in a circle"),)
    return Answer(Rcode.SERVFAIL, ede=ede, made_by=_MADE_BY, fresh=served.fresh)
