"""Answers that are over are served for a while when there is nothing newer (RFC 8767)."""

from __future__ import annotations

import asyncio

import pytest
from cache_help import DB, SOA, WEB, Lab, a, cluster, outside, settled, ttls

from dnspolicy.chain.context import QueryContext
from dnspolicy.corefile.schema import Duration
from dnspolicy.model.answer import Answer, Drop, ExtendedError, Freshness, Reply
from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.cache.config import Mode, ServeStale, StalePolicy

PLAIN = ("dns://:53", "", ".")
FAILED = outside(rcode=Rcode.SERVFAIL)
GONE = outside(rcode=Rcode.NXDOMAIN, authority=(SOA,))
STALE = ExtendedError(3)


def stale(mode: Mode = Mode.IMMEDIATE, *times: float, duration: float = 3600.0) -> ServeStale:
    return ServeStale(duration=Duration(duration), mode=mode, times=tuple(map(Duration, times)))


def over(rule: ServeStale | None = None, reply: Reply | None = None, seconds: float = 0.0, **more: object) -> Lab:
    """A cache whose only entry, of 300 s, has been over for so many seconds."""
    there = Lab(serve_stale=rule or stale(), reply=reply, **more)
    there.ask()
    there.clock.advance(300 + seconds)
    return there


def served(there: Lab) -> tuple[str, list[int]]:
    """What an answer is, and its TTLs."""
    answer = there.answer()
    kind = "stale" if STALE in answer.ede or ExtendedError(19) in answer.ede else "fresh"
    return kind, ttls(answer)


class TestImmediate:
    def test_the_old_answer_first_then_the_new_one(self) -> None:
        there = over()
        assert served(there) == ("stale", [0])
        assert served(there) == ("fresh", [300])
        assert len(there.asked) == 2
        assert there.value("coredns_cache_served_stale_total", *PLAIN) == 1
        assert there.value("coredns_cache_prefetch_total", *PLAIN) == 1
        assert there.value("coredns_cache_hits_total", "dns://:53", "success", "", ".") == 2
        assert there.value("coredns_cache_misses_total", *PLAIN) == 1

    @pytest.mark.parametrize(
        ("duration", "seconds", "kind"),
        [(3600.0, 3599.9, "stale"), (3600.0, 3600.0, "fresh"), (60.0, 59.0, "stale"), (0.0, 0.0, "fresh")],
    )
    def test_for_how_long(self, duration: float, seconds: float, kind: str) -> None:
        assert served(over(stale(duration=duration), seconds=seconds))[0] == kind

    @pytest.mark.parametrize(
        "reply",
        [FAILED, outside(rcode=Rcode.REFUSED), outside(a(), tc=True), Drop("x")],
        ids=["failed", "refused", "truncated", "silent"],
    )
    def test_stays_when_the_source_fails(self, reply: Reply) -> None:
        there = over()
        there.reply = reply
        assert [served(there)[0] for _ in range(3)] == ["stale"] * 3
        assert len(there.asked) == 4

    def test_an_answer_that_is_over_may_not_be_reused(self) -> None:
        there = over()
        there.reply = FAILED
        assert there.answer().fresh.ttl == 0

    def test_response_ttl(self) -> None:
        assert served(over(stale(Mode.IMMEDIATE, 30.0))) == ("stale", [30])

    def test_letters_are_the_askers(self) -> None:
        assert over().answer("WWW.lab.test").answer[0].owner.wire == from_text("WWW.lab.test").wire

    def test_a_failed_refresh_is_not_repeated_at_once(self) -> None:
        there = over(stale(Mode.IMMEDIATE, 0.0, 10.0))
        there.reply = FAILED
        for _ in range(3):
            assert served(there)[0] == "stale"
        assert len(there.asked) == 2
        there.clock.advance(9.9)
        there.ask()
        assert len(there.asked) == 2
        there.clock.advance(0.1)
        there.ask()
        assert len(there.asked) == 3

    def test_a_name_that_is_gone_is_gone(self) -> None:
        there = over()
        there.reply = GONE
        there.ask()
        assert there.answer().rcode == Rcode.NXDOMAIN

    def test_an_answer_that_may_not_be_kept_ends_the_old_one(self) -> None:
        there = over()
        there.reply = outside(rcode=Rcode.NXDOMAIN)
        assert served(there)[0] == "stale"
        assert served(there) == ("fresh", [])

    def test_denials_grow_stale_too_and_are_called_so(self) -> None:
        there = over(reply=GONE)
        there.reply = FAILED
        found = there.answer()
        assert (found.rcode, found.ede, ttls(found)) == (Rcode.NXDOMAIN, (ExtendedError(19),), [0])

    def test_failures_do_not_grow_stale(self) -> None:
        there = over(reply=FAILED)
        there.reply = outside(a())
        assert served(there) == ("fresh", [300])


class TestWhatRestsOnSomething:
    def test_a_change_ends_it(self) -> None:
        there = over(reply=cluster(a(300)))
        assert there.answer().fresh == Freshness(0.0, WEB)
        there.clock.advance(300)
        there.cache.changed(WEB)
        assert served(there) == ("fresh", [300])
        assert there.value("coredns_cache_served_stale_total", *PLAIN) == 1

    def test_another_change_does_not(self) -> None:
        there = over(reply=cluster(a(300)))
        there.cache.changed(DB)
        assert served(there)[0] == "stale"

    def test_a_refresh_that_was_overtaken_is_not_kept(self) -> None:
        there = over(reply=cluster(a(300)))
        there.meanwhile = WEB
        assert served(there)[0] == "stale"
        there.meanwhile = frozenset()
        assert served(there) == ("fresh", [300])
        assert len(there.asked) == 3

    def test_what_was_true_for_a_time_only_is_not_true_after_it(self) -> None:
        there = over(reply=cluster(a(300), fresh=Freshness(100.0, WEB)))
        assert served(there) == ("fresh", [300])


class TestVerify:
    def test_the_new_answer_when_there_is_one(self) -> None:
        there = over(stale(Mode.VERIFY))
        assert served(there) == ("fresh", [300])
        assert (len(there.asked), there.contexts[1].source) == (2, "192.0.2.99")
        assert there.value("coredns_cache_served_stale_total", *PLAIN) == 0
        assert there.value("coredns_cache_prefetch_total", *PLAIN) == 0

    def test_the_old_one_when_the_source_fails(self) -> None:
        there = over(stale(Mode.VERIFY, 0.0, 30.0))
        there.reply = FAILED
        assert served(there) == ("stale", [30])
        assert served(there) == ("stale", [30])
        assert len(there.asked) == 3

    def test_the_old_one_when_rooms_fail(self) -> None:
        async def broken(query: Query, context: QueryContext) -> Reply:
            raise DnsPolicyError("no")

        there = over(stale(Mode.VERIFY))
        there.behind = broken  # type: ignore[method-assign]
        assert served(there) == ("stale", [0])

    def test_a_failure_is_looked_at_again_later(self) -> None:
        there = over(stale(Mode.VERIFY, 0.0, 0.0, 10.0))
        there.reply = FAILED
        for _ in range(3):
            assert served(there)[0] == "stale"
        assert len(there.asked) == 2
        there.clock.advance(10)
        there.reply = outside(a())
        assert served(there) == ("fresh", [300])

    def test_within_its_time(self) -> None:
        there = over(stale(Mode.VERIFY, 60.0))
        assert served(there) == ("fresh", [300])
        assert there.value("coredns_cache_served_stale_total", *PLAIN) == 0

    def test_late(self) -> None:
        there = over(stale(Mode.VERIFY, 0.001))

        async def story() -> list[str]:
            gate = asyncio.Event()
            kinds = [await kind(there, gate), await kind(there, gate)]
            assert len(there.asked) == 1
            gate.set()
            await settled()
            kinds.append(await kind(there, gate))
            assert len(there.asked) == 2
            return kinds

        assert asyncio.run(story()) == ["stale", "stale", "fresh"]

    @pytest.mark.parametrize(
        ("recheck", "others"), [(0.0, ["fresh", "fresh"]), (10.0, ["stale", "fresh"])], ids=["all wait", "one waits"]
    )
    def test_who_waits_for_the_source(self, recheck: float, others: list[str]) -> None:
        there = over(stale(Mode.VERIFY, 0.0, 0.0, recheck))

        async def story() -> list[str]:
            gate = asyncio.Event()
            first = asyncio.create_task(kind(there, gate))
            await asyncio.sleep(0)
            second = asyncio.create_task(kind(there, gate))
            await asyncio.sleep(0)
            gate.set()
            return [await second, await first]

        assert asyncio.run(story()) == others

    def test_who_gives_up_does_not_keep_others_from_asking(self) -> None:
        there = over(stale(Mode.VERIFY, 0.0, 0.0, 10.0))

        async def story() -> str:
            gate = asyncio.Event()
            first = asyncio.create_task(kind(there, gate))
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.wait((first,))
            gate.set()
            return await kind(there, gate)

        assert asyncio.run(story()) == "fresh"


async def kind(there: Lab, gate: asyncio.Event) -> str:
    """Whether what is served is stale, when the source answers once the gate is open."""

    async def behind(query: Query, context: QueryContext) -> Reply:
        await gate.wait()
        return await there.behind(query, context)

    name = from_text("www.lab.test")
    context = QueryContext("192.0.2.99", 1, there.clock.monotonic(), there.clock.monotonic() + 5, behind)
    reply = await there.cache.handle(Query(name, int(Type.A), name), context, behind)
    assert isinstance(reply, Answer)
    return "stale" if STALE in reply.ede else "fresh"


class TestPreferPositive:
    @pytest.mark.parametrize("mode", list(Mode))
    @pytest.mark.parametrize(
        "later",
        [GONE, outside(authority=(SOA,)), outside(), outside(a(owner="x.test")), FAILED],
        ids=["NXDOMAIN", "no data", "empty", "about another name", "failed"],
    )
    def test_data_outlive_a_denial(self, mode: Mode, later: Reply) -> None:
        there = over(stale(mode), serve_stale_policy=StalePolicy.PREFER_POSITIVE)
        there.reply = later
        assert [served(there) for _ in range(3)] == [("stale", [0])] * 3
        there.reply = outside(a())
        there.ask()
        assert served(there) == ("fresh", [300])

    def test_until_they_are_too_old(self) -> None:
        there = over(stale(duration=60.0), serve_stale_policy=StalePolicy.PREFER_POSITIVE)
        there.reply = GONE
        there.ask()
        there.clock.advance(60)
        assert there.answer().rcode == Rcode.NXDOMAIN

    def test_a_denial_alone_is_served(self) -> None:
        there = over(reply=GONE, serve_stale_policy=StalePolicy.PREFER_POSITIVE)
        assert there.answer().rcode == Rcode.NXDOMAIN


def test_keepttl_shows_the_ttl_of_the_beginning_until_the_answer_is_over() -> None:
    there = Lab("30", keepttl=True)
    first = there.answer()
    assert (ttls(first), first.fresh) == ([30], Freshness(30.0))
    there.clock.advance(29.5)
    assert (ttls(there.answer()), there.answer().fresh) == ([30], Freshness(0.5))
    there.clock.advance(0.5)
    there.ask()
    assert len(there.asked) == 2
