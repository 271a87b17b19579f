"""A zone is judged by its name in the query phase, and its records are left alone."""

from __future__ import annotations

import asyncio

import pytest

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.index import Index
from dnspolicy.model.answer import ONCE, Answer, Reply
from dnspolicy.model.name import ROOT, from_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.model.verdict import Action, BlockAs, Phase, Verdict
from dnspolicy.plugins.policy import Config, Judge, Policy
from dnspolicy.policy.decisions import DecisionCache
from dnspolicy.policy.footprint import Footprint
from dnspolicy.testing.clock import FakeClock
from dnspolicy.testing.static import StaticEngine
from dnspolicy.wire import rdata

ZONE = from_text("zone.test")
SOA = Record(ZONE, Type.SOA, 600, rdata.soa(ZONE, ZONE, 7, 1, 2, 3, 4))
ALIAS = Record(from_text("a.zone.test"), Type.CNAME, 600, from_text("blocked.test").wire)
WHOLE = Answer(answer=(SOA, ALIAS, SOA), aa=True, fresh=ONCE, transfer=True)
READS = Footprint(frozenset({("phase",), ("answer", "addresses")}))


def ask(verdict: Verdict) -> tuple[Answer, list[tuple[str, Phase]]]:
    clock, metrics = FakeClock(), Metrics()
    engine = StaticEngine(verdict, footprint=READS)
    judge = Judge(Config(rego=("x",)), engine, DecisionCache(9, clock, metrics), clock=clock, metrics=metrics)

    async def nobody(query: Query, upstreams: tuple[str, ...], deadline: float) -> Answer:
        raise AssertionError

    async def below(query: Query, ctx: QueryContext) -> Reply:
        return WHOLE

    room = Policy(
        judge,
        view=Index(clock, metrics, ()),
        zones=(),
        block_zones=(ROOT,),
        missing=lambda _: None,
        ask_upstreams=nobody,
    )
    ctx = QueryContext("192.0.2.9", 1, clock.monotonic(), clock.monotonic() + 4, below, judgements=[])
    reply = asyncio.run(room.handle(Query(ZONE, Type.AXFR, ZONE, transport=Transport.TCP), ctx, below))
    assert isinstance(reply, Answer)
    return reply, [(judgement.name, judgement.phase) for judgement in ctx.judgements]


@pytest.mark.parametrize("ttl", [None, 5], ids=["as-it-is", "with-a-ttl"])
def test_an_allowed_zone_stays_as_it_is(ttl: int | None) -> None:
    reply, judged = ask(Verdict(Action.ALLOW, "r", "x", ttl=ttl))
    assert reply == WHOLE
    assert judged == [("zone.test", Phase.QUERY)]


def test_a_blocked_zone_is_not_handed_out() -> None:
    reply, judged = ask(Verdict(Action.BLOCK, "r", "x", block_as=BlockAs.REFUSED))
    assert (reply.rcode, reply.answer, reply.transfer) == (Rcode.REFUSED, (), False)
    assert judged == [("zone.test", Phase.QUERY)]
