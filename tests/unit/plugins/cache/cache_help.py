"""A cache in a laboratory: a clock that is moved by hand, and a room behind it that gives what it is told."""

from __future__ import annotations

import asyncio

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Counter, Gauge, Metrics, ServerLabels
from dnspolicy.corefile.schema import Zone
from dnspolicy.model.answer import NOTHING, ONCE, Answer, Dependencies, Freshness, Reply, Rests
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.cache import Cache, Config
from dnspolicy.testing.clock import FakeClock
from dnspolicy.testing.upstream import record

SOA = record("lab.test", "SOA", "ns.lab.test host.lab.test 1 2 3 4 20", ttl=60)
WEB: Dependencies = frozenset({(Rests.SERVICE, "shop/web")})
DB: Dependencies = frozenset({(Rests.SERVICE, "shop/db")})


def a(ttl: int = 300, owner: str = "www.lab.test", address: str = "198.51.100.10") -> Record:
    return record(owner, "A", address, ttl)


def outside(
    *answer: Record, rcode: Rcode = Rcode.NOERROR, authority: tuple[Record, ...] = (), **more: object
) -> Answer:
    """An answer as the forward room gives it."""
    fields = {"ra": True, "made_by": "forward", "upstream": "192.0.2.1:53", "fresh": ONCE, **more}
    return Answer(int(rcode), answer, authority, **fields)  # type: ignore[arg-type]


def cluster(*answer: Record, rests: Dependencies = WEB, **more: object) -> Answer:
    """An answer as the kubernetes room gives it."""
    fields = {"aa": True, "made_by": "kubernetes", "fresh": Freshness(rests=rests), **more}
    return Answer(answer=answer, **fields)  # type: ignore[arg-type]


class Lab:
    """One cache, with a room behind it that gives `reply` and counts."""

    def __init__(self, *words: str, reply: Reply | None = None, **options: object) -> None:
        self.clock = FakeClock()
        self.metrics = Metrics()
        self.reply: Reply = reply or outside(a())
        self.asked: list[str] = []
        self.contexts: list[QueryContext] = []
        self.meanwhile: Dependencies = NOTHING
        ttl = int(words[0]) if words else None
        config = Config(ttl=ttl, zones=tuple(map(Zone, words[1:])), **options)  # type: ignore[arg-type]
        self.cache = Cache(config, clock=self.clock, metrics=self.metrics, labels=ServerLabels("dns://:53", "."))

    def ask(self, name: str = "www.lab.test", qtype: int = Type.A, **fields: object) -> Reply:
        asked = from_text(name)
        query = Query(asked, int(qtype), asked, **fields)  # type: ignore[arg-type]
        context = QueryContext("192.0.2.99", 1, self.clock.monotonic(), self.clock.monotonic() + 5, self.behind)
        return asyncio.run(self.handle(query, context))

    async def handle(self, query: Query, context: QueryContext) -> Reply:
        """The reply, once all that began in the background is over too."""
        reply = await self.cache.handle(query, context, self.behind)
        await settled()
        return reply

    def answer(self, name: str = "www.lab.test", qtype: int = Type.A, **fields: object) -> Answer:
        reply = self.ask(name, qtype, **fields)
        assert isinstance(reply, Answer)
        return reply

    async def behind(self, query: Query, context: QueryContext) -> Reply:
        self.asked.append(str(query.name))
        self.contexts.append(context)
        if self.meanwhile:
            self.cache.changed(self.meanwhile)
        return about(query, self.reply)

    def value(self, name: str, *labels: str) -> float:
        return self._metric(name).values.get(labels, 0.0)

    def series(self, name: str) -> set[tuple[str, ...]]:
        """The labels there are."""
        return set(self._metric(name).values)

    def _metric(self, name: str) -> Counter | Gauge:
        found = next(m for m in self.metrics.collect() if m.name == name)
        assert isinstance(found, Counter | Gauge)
        return found


async def settled() -> None:
    """Until nothing is under way in the background."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


def about(query: Query, reply: Reply) -> Reply:
    """The reply with what it says of www.lab.test said of the name that is asked, in any type but a CNAME."""
    if not isinstance(reply, Answer):
        return reply
    www = from_text("www.lab.test")
    return reply.changed(
        answer=tuple(Record(query.name if r.owner == www else r.owner, r.type, r.ttl, r.rdata) for r in reply.answer)
    )


def ttls(answer: Answer) -> list[int]:
    return [r.ttl for r in answer.answer + answer.authority + answer.additional]
