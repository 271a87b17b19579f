"""Following ExternalName services to what they point at."""

from __future__ import annotations

from collections.abc import Callable

from dnspolicy.chain.context import QueryContext
from dnspolicy.model.answer import Answer, Drop, Freshness, Reply
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query, Via
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.kubernetes.found import NAME, SERIAL, Alias, Found
from dnspolicy.plugins.kubernetes.zone import Zone, Zones

MAX_LINKS = 11
"""Aliases of the cluster's own that one answer may have."""

FindHere = Callable[[Name, Zone, int], Found]
Missed = Callable[[Name, Zone, Freshness], Answer | None]
"""The answer for a name that does not exist; None when the rest of the chain is to be asked."""


class Aliases:
    """Chains within the zones are followed here; for everything else the whole server is asked."""

    def __init__(self, zones: Zones, find: FindHere, missed: Missed, ttl: int) -> None:
        self._zones = zones
        self._find = find
        self._missed = missed
        self._ttl = ttl

    async def follow(self, query: Query, ctx: QueryContext, zone: Zone, alias: Alias) -> Reply:
        """The aliases and what the last of them answers. A loop answers as if the name had no records."""
        links = [Record(query.name, Type.CNAME, self._ttl, alias.target.wire)]
        seen = {query.name.labels}
        fresh = alias.fresh
        target = alias.target
        while True:
            if target.labels in seen or len(links) > MAX_LINKS:
                return zone.nothing(query.name, fresh.resting(frozenset((SERIAL,))))
            seen.add(target.labels)
            inside = self._inside(target, zone)
            if inside is None:
                return await self._outside(query, ctx, links, target, fresh)
            found = self._find(target, inside, query.qtype)
            if isinstance(found, Alias):
                links.append(Record(target, Type.CNAME, self._ttl, found.target.wire))
                fresh = fresh.also(found.fresh)
                target = found.target
                continue
            answer = found if isinstance(found, Answer) else self._missed(target, inside, found.fresh)
            ended = self._at_the_end(query, zone, tuple(links), answer, fresh)
            return await self._outside(query, ctx, links, target, fresh) if ended is None else ended

    def _inside(self, target: Name, zone: Zone) -> Zone | None:
        """The zone that holds a target, `zone` being that of the question; None when the whole server is asked."""
        return self._zones.of(target.labels)

    def _at_the_end(
        self, query: Query, zone: Zone, links: tuple[Record, ...], answer: Answer | None, fresh: Freshness
    ) -> Answer | None:
        """The reply when the last target is in the zones; None when the rest of the server is to be asked for it."""
        return answer and answer.changed(answer=links + answer.answer, fresh=answer.fresh.also(fresh))

    async def _outside(
        self, query: Query, ctx: QueryContext, links: list[Record], target: Name, fresh: Freshness
    ) -> Reply:
        reply = await ctx.resolve(query.renamed(target, Via.CNAME), ctx)
        if isinstance(reply, Drop):
            return reply
        return self._from_outside(tuple(links), reply, fresh)

    def _from_outside(self, links: tuple[Record, ...], reply: Answer, fresh: Freshness) -> Answer:
        # Nobody here serves the target: the alias alone is the whole truth this server knows.
        unserved = reply.rcode == Rcode.REFUSED and not reply.made_by
        return Answer(
            Rcode.NOERROR if unserved else reply.rcode,
            (*links, *reply.answer),
            tuple(record for record in reply.authority if record.type == Type.SOA),
            aa=True,
            tc=reply.tc,
            ede=reply.ede,
            made_by=NAME,
            fresh=reply.fresh.also(fresh),
            rotate=reply.rotate and not reply.groups,
            upstream=reply.upstream,
            ordered=reply.ordered,
            private=True,  # rooms that know the client had a say in the reply
        )
