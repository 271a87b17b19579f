"""Popular answers are fetched again before they are over, also when the server repeats them without asking."""

from __future__ import annotations

import asyncio

import pytest
from cache_help import DB, SOA, WEB, Lab, a, cluster, outside, settled, ttls
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.chain.context import QueryContext
from dnspolicy.corefile.schema import Duration
from dnspolicy.model.answer import Answer, Drop, Reply
from dnspolicy.model.identity import NOBODY
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.cache.config import Prefetch
from dnspolicy.plugins.cache.refresh import MOST
from dnspolicy.testing.upstream import record

PLAIN = ("dns://:53", "", ".")


def lab(amount: int = 2, gap: float = 60.0, percentage: str = "10%", **more: object) -> Lab:
    prefetch = Prefetch(amount=amount, duration=Duration(gap), percentage=percentage)
    return Lab(prefetch=prefetch, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "ttl", "at", "fetched"),
    [
        pytest.param({}, 300, [10, 269, 269.5], 1, id="not before its last tenth"),
        pytest.param({}, 300, [10, 265, 270], 2, id="in its last tenth"),
        pytest.param({}, 300, [265, 270], 2, id="by the very hit that makes it popular"),
        pytest.param({}, 300, [10, 20, 270], 1, id="not after a gap"),
        pytest.param({"gap": 600.0}, 300, [10, 20, 270], 2, id="a longer gap allowed"),
        pytest.param({"amount": 3}, 300, [265, 270], 1, id="not asked for often enough"),
        pytest.param({"amount": 3}, 300, [265, 270, 271], 2, id="just often enough"),
        pytest.param({"percentage": "50%"}, 300, [140, 150], 2, id="in its last half"),
        pytest.param({}, 5, [1, 3.9], 1, id="not before its last second"),
        pytest.param({}, 5, [1, 4], 2, id="in its last second"),
        pytest.param({"amount": 0}, 300, [299, 299, 299], 1, id="amount 0 fetches nothing"),
        pytest.param({"amount": 1}, 300, [299], 2, id="amount 1"),
    ],
)
def test_when(options: dict[str, object], ttl: int, at: list[float], fetched: int) -> None:
    there = lab(reply=outside(a(ttl)), **options)  # type: ignore[arg-type]
    there.ask()
    passed = 0.0
    for moment in at:
        there.clock.advance(moment - passed)
        passed = moment
        assert ttls(there.answer()) == [ttl - int(moment)]
    assert len(there.asked) == fetched
    assert there.value("coredns_cache_prefetch_total", *PLAIN) == fetched - 1


def popular(reply: Reply | None = None) -> Lab:
    """A popular entry of 300 s with a tenth left."""
    there = lab(reply=reply)
    there.ask()
    there.clock.advance(265)
    there.ask()
    there.clock.advance(5)
    return there


def test_the_new_answer_is_served_and_as_popular_as_the_old() -> None:
    there = lab(amount=3, gap=600.0)
    for seconds in (0, 1, 1, 268):
        there.clock.advance(seconds)
        there.ask()
    assert len(there.asked) == 2
    there.clock.advance(270)
    assert ttls(there.answer()) == [30]
    assert len(there.asked) == 3
    assert ttls(there.answer()) == [300]


def test_a_denial_that_was_overtaken_does_not_come_back() -> None:
    soa = record("lab.test", "SOA", "ns.lab.test host.lab.test 1 2 3 4 1800", 1800)
    there = lab(amount=1, percentage="90%", reply=outside(rcode=Rcode.NXDOMAIN, authority=(soa,)))
    there.ask()
    there.clock.advance(200)
    there.reply = outside(a(5))
    there.ask()
    there.clock.advance(5)
    assert there.answer().rcode == Rcode.NOERROR


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(outside(rcode=Rcode.SERVFAIL), id="failed"),
        pytest.param(outside(rcode=Rcode.REFUSED), id="refused"),
        pytest.param(outside(a(), tc=True), id="truncated"),
        pytest.param(Drop("x"), id="dropped"),
        pytest.param(outside(a(), private=True), id="made for nobody"),
    ],
)
def test_a_fetch_that_brings_nothing_changes_nothing(reply: Reply) -> None:
    there = popular()
    there.reply = reply
    assert ttls(there.answer()) == [30]
    assert ttls(there.answer()) == [30]
    assert len(there.asked) == 3


def test_that_the_name_is_gone_is_learned_early() -> None:
    there = popular()
    there.reply = outside(rcode=Rcode.NXDOMAIN, authority=(SOA,))
    there.ask()
    assert there.answer().rcode == Rcode.NXDOMAIN


def test_a_room_that_breaks_leaves_the_entry_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    there = popular()

    async def broken(query: Query, context: QueryContext) -> Reply:
        raise RuntimeError("a fault")

    there.behind = broken  # type: ignore[method-assign]
    assert ttls(there.answer()) == [30]
    assert "refreshing 'www.lab.test' failed" in caplog.text


def test_nobody_asks_in_the_background() -> None:
    there = popular()
    there.ask()
    first, second = there.contexts
    assert (first.source, second.source, second.identity) == ("192.0.2.99", "", NOBODY)
    assert 0 < second.deadline - there.clock.monotonic() <= 5
    query = Query(from_text("x.test"), int(Type.A), from_text("x.test"))
    reply = asyncio.run(second.resolve(query, second))  # type: ignore[arg-type]
    assert isinstance(reply, Answer)
    assert (reply.rcode, reply.private) == (Rcode.SERVFAIL, True)


def test_what_was_overtaken_by_a_change_is_not_kept() -> None:
    there = popular(cluster(a(300)))
    there.meanwhile = DB
    there.ask()
    there.meanwhile = frozenset()
    assert ttls(there.answer()) == [30]
    there.cache.changed(WEB)
    assert ttls(there.answer()) == [300]


class Slow:
    """A room that answers when it is told to."""

    def __init__(self, there: Lab) -> None:
        self.there = there
        self.gate = asyncio.Event()
        self.busy = 0

    async def __call__(self, query: Query, context: QueryContext) -> Reply:
        self.busy += 1
        try:
            await self.gate.wait()
            return await self.there.behind(query, context)
        finally:
            self.busy -= 1

    async def ask(self, name: str = "www.lab.test") -> Reply:
        asked = from_text(name)
        context = QueryContext("192.0.2.99", 1, 0.0, 5000.0, self)
        reply = await self.there.cache.handle(Query(asked, int(Type.A), asked), context, self)
        await asyncio.sleep(0)
        return reply


def test_one_fetch_at_a_time_for_one_entry() -> None:
    there = popular()

    async def story() -> int:
        slow = Slow(there)
        for _ in range(5):
            await slow.ask()
        assert slow.busy == 1
        slow.gate.set()
        await settled()
        return len(there.asked)

    assert asyncio.run(story()) == 2


def test_so_many_at_a_time_and_none_after_the_end() -> None:
    async def story() -> None:
        there = lab(amount=1)
        for number in range(MOST + 50):
            there.reply = outside(a(owner=f"n{number}.lab.test"))
            asked = from_text(f"n{number}.lab.test")
            context = QueryContext("192.0.2.99", 1, 0.0, 5000.0, there.behind)
            await there.cache.handle(Query(asked, int(Type.A), asked), context, there.behind)
        there.clock.advance(290)
        slow = Slow(there)
        for number in range(MOST + 50):
            await slow.ask(f"n{number}.lab.test")
        assert slow.busy == MOST
        await there.cache.stop()
        assert slow.busy == 0

    asyncio.run(story())


@given(st.lists(st.floats(0.1, 40.0), min_size=5, max_size=60))
def test_with_finished_answers_in_front_it_fetches_when_it_would_without(gaps: list[float]) -> None:
    """A memo that repeats answers for as long as they allow hides hits, but never so that a popular name runs out."""
    bare, fronted = lab(amount=3), lab(amount=3)
    until = 0.0
    for gap in gaps:
        bare.clock.advance(gap)
        fronted.clock.advance(gap)
        bare.ask()
        if fronted.clock.monotonic() >= until:
            fresh = fronted.answer().fresh
            assert fresh.ttl is not None
            until = fronted.clock.monotonic() + fresh.ttl
        assert len(fronted.asked) == len(bare.asked)


def test_an_answer_that_may_be_fetched_soon_is_not_to_be_repeated_unseen() -> None:
    there = lab(amount=2, gap=100.0)
    seen = []
    for seconds in (0, 1, 1, 1, 217, 40, 30):
        there.clock.advance(seconds)
        seen.append(there.answer().fresh.ttl)
    assert seen == [0, 0, 100, 100, 0, 10, 0]
