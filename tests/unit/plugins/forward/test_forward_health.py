"""Upstreams that fail: what is asked of them, when they are down, and when they are back."""

from __future__ import annotations

import asyncio

import pytest

from dnspolicy.corefile.schema import Duration
from dnspolicy.model.query import Transport
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.forward.attempt import Order
from dnspolicy.plugins.forward.config import HealthCheck
from dnspolicy.testing.upstream import SILENT, FakeUpstream, Script
from tests.unit.plugins.forward.lab import SHORT, WWW, Lab, closed_port, run_on_both_loops, until

SOON = HealthCheck(Duration(0.05))
FAILURES = "coredns_proxy_healthcheck_failures_total"
BROKEN = "coredns_forward_healthcheck_broken_total"


def checks(upstream: FakeUpstream) -> int:
    return len(upstream.asked) - len(upstream.questions)


def lab_of(*upstreams: FakeUpstream | str, **options: object) -> Lab:
    to = [u if isinstance(u, str) else u.address for u in upstreams]
    return Lab(*to, policy=Order.SEQUENTIAL, health_check=SOON, **options)  # type: ignore[arg-type]


async def down(lab: Lab, failures: int = 3) -> None:
    await until(lambda: lab.value(FAILURES) >= failures)


def test_nobody_is_checked_who_answers() -> None:
    async def story() -> None:
        async with FakeUpstream(default=WWW) as upstream:
            lab = lab_of(upstream)
            await lab.ask()
            await asyncio.sleep(0.2)
            assert (checks(upstream), lab.value(FAILURES)) == (0, 0)

    run_on_both_loops(story)


@pytest.mark.parametrize(
    ("words", "name", "rd"),
    [((), ".", True), (("no_rec",), ".", False), (("domain", "check.test", "no_rec"), "check.test", False)],
    ids=["usual", "no_rec", "domain"],
)
def test_what_a_check_asks(words: tuple[str, ...], name: str, rd: bool) -> None:
    async def story() -> None:
        async with FakeUpstream(default=SILENT) as upstream:
            lab = Lab(upstream.address, health_check=HealthCheck(Duration(0.05), words))
            await lab.ask(seconds=SHORT)
            await until(lambda: checks(upstream) > 0)
            check = next(a for a in upstream.asked if a.type == "NS")
            assert (check.name.rstrip("."), check.query.rd, check.query.edns) == (name.rstrip("."), rd, None)

    run_on_both_loops(story)


@pytest.mark.parametrize(
    ("options", "transport"), [({}, Transport.UDP), ({"force_tcp": True}, Transport.TCP)], ids=["UDP", "force_tcp"]
)
def test_a_check_goes_over(options: dict[str, object], transport: Transport) -> None:
    async def story() -> None:
        async with FakeUpstream(default=SILENT) as upstream:
            await lab_of(upstream, **options).ask(seconds=SHORT)
            await until(lambda: checks(upstream) > 0)
            assert {a.transport for a in upstream.asked if a.type == "NS"} == {transport}

    run_on_both_loops(story)


@pytest.mark.parametrize("rcode", [Rcode.SERVFAIL, Rcode.REFUSED, Rcode.NOTIMP, Rcode.FORMERR])
def test_any_answer_to_a_check_says_that_it_is_there(rcode: Rcode) -> None:
    async def story() -> None:
        async with FakeUpstream(default=Script(rcode=int(rcode))) as upstream:
            upstream.on("www.lab.test", SILENT)
            lab = lab_of(upstream)
            await lab.ask(seconds=SHORT)
            await until(lambda: checks(upstream) > 0)
            await asyncio.sleep(0.2)
            assert lab.value(FAILURES) == 0
            assert not lab.room._route.peers[0].suspect

    run_on_both_loops(story)


def test_one_that_was_down_is_asked_again_when_it_is_back() -> None:
    async def story() -> None:
        async with FakeUpstream(default=WWW) as first, FakeUpstream(default=WWW) as second:
            await first.stop()
            lab = lab_of(first, second)
            assert (await lab.ask()).upstream == second.address
            await down(lab)
            assert (await lab.ask()).upstream == second.address
            await first.start()
            await until(lambda: checks(first) > 0)
            await asyncio.sleep(0.05)
            assert (await lab.ask()).upstream == first.address
            before = checks(first)
            await asyncio.sleep(0.2)
            assert checks(first) == before

    run_on_both_loops(story)


def test_max_fails_0_checks_nobody_and_keeps_the_order() -> None:
    async def story() -> None:
        async with FakeUpstream(default=SILENT) as first, FakeUpstream(default=WWW) as second:
            lab = lab_of(first, second, max_fails=0)
            for _ in range(2):
                assert (await lab.ask(seconds=0.6)).upstream == second.address
            assert (len(first.questions), checks(first)) == (2, 0)

    run_on_both_loops(story)


def test_when_all_are_down_one_is_asked_all_the_same() -> None:
    async def story() -> None:
        port = closed_port()
        lab = lab_of(port)
        await lab.ask()
        await down(lab)
        assert lab.value(BROKEN) == 0
        assert "connection refused" in (await lab.ask()).ede[0].text
        assert lab.value(BROKEN) == 1

    run_on_both_loops(story)


def test_failfast_asks_nobody_when_all_are_down() -> None:
    async def story() -> None:
        async with FakeUpstream(default=SILENT) as upstream:
            lab = lab_of(upstream, max_fails=1, read_timeout=Duration(0.1), failfast_all_unhealthy_upstreams=True)
            await lab.ask()
            await down(lab, 2)
            before = len(upstream.questions)
            answer = await lab.ask()
            assert (answer.rcode, answer.ede[0].text) == (Rcode.SERVFAIL, "all upstreams are down")
            assert len(upstream.questions) == before
            assert lab.value(BROKEN) == 1

    run_on_both_loops(story)


def test_a_real_answer_heals_too() -> None:
    async def story() -> None:
        async with FakeUpstream(default=SILENT) as upstream:
            upstream.on("www.lab.test", SILENT, WWW)
            lab = Lab(upstream.address, health_check=HealthCheck(Duration(60.0)), read_timeout=Duration(0.1))
            assert (await lab.ask()).upstream == upstream.address
            assert not lab.room._route.peers[0].suspect

    run_on_both_loops(story)


def test_an_upstream_that_left_the_file_is_checked_no_more() -> None:
    async def story() -> None:
        async with FakeUpstream(default=SILENT) as upstream:
            lab = lab_of(upstream)
            await lab.ask(seconds=SHORT)
            await until(lambda: checks(upstream) > 0)
            await lab.room.stop()
            before = checks(upstream)
            await asyncio.sleep(0.3)
            assert checks(upstream) == before

    run_on_both_loops(story)


@pytest.mark.parametrize("options", [{}, {"force_tcp": True}], ids=["UDP", "TCP"])
def test_what_is_under_way_when_its_directive_goes_is_answered_and_leaves_nothing(options: dict[str, object]) -> None:
    async def story() -> None:
        async with FakeUpstream(default=SILENT) as silent, FakeUpstream(default=WWW) as upstream:
            lab = lab_of(silent, upstream, most_sockets=20, **options)
            asking = asyncio.create_task(lab.ask(seconds=1.0))
            await until(lambda: bool(silent.questions))
            await lab.room.stop()
            assert (await asking).upstream == upstream.address
            await asyncio.sleep(0.1)
            assert (checks(silent), lab.forwarder._ties.budget.left) == (0, 20)

    run_on_both_loops(story)


def test_one_that_comes_and_goes_never_costs_an_answer() -> None:
    async def story() -> None:
        async with FakeUpstream(default=WWW) as first, FakeUpstream(default=WWW) as second:
            lab = lab_of(first, second)
            for round_ in range(6):
                await (first.stop() if round_ % 2 == 0 else first.start())
                answers = await asyncio.gather(*(lab.ask(f"n{round_}-{n}.lab.test") for n in range(10)))
                assert {a.rcode for a in answers} == {Rcode.NOERROR}

    run_on_both_loops(story)
