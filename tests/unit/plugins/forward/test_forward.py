"""Forwarding over real sockets, to upstreams that behave and that do not."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dnspolicy.chain.metrics import Counter, Histogram
from dnspolicy.corefile.schema import Zone
from dnspolicy.model.answer import ONCE, Answer, EdeCode
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Edns, Query, Transport
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.forward import Config, Forward
from dnspolicy.plugins.forward.attempt import Order
from dnspolicy.plugins.forward.question import Options
from dnspolicy.testing.lies import FORGED, Lie, TcpTrick
from dnspolicy.testing.upstream import NXDOMAIN, SERVFAIL, SILENT, FakeUpstream, Script, record
from tests.unit.plugins.forward.lab import CLOCK, SHORT, WWW, Lab, addresses, closed_port, run


def test_an_answer_comes_back_as_the_upstream_gave_it() -> None:
    async def story() -> None:
        async with FakeUpstream() as upstream:
            upstream.on("www.lab.test", Script(answer=WWW.answer, aa=True, additional=(record("x.test", "A", FORGED),)))
            lab = Lab(upstream.address)
            answer = await lab.ask("WWW.lab.test")
            assert answer.answer[0].owner.wire == from_text("WWW.lab.test").wire
            assert answer == Answer(
                answer=answer.answer, ra=True, made_by="forward", fresh=ONCE, upstream=upstream.address
            )
            assert addresses(answer) == ["198.51.100.10"]

    run(story)


@pytest.mark.parametrize(
    ("script", "rcode"),
    [(NXDOMAIN, Rcode.NXDOMAIN), (SERVFAIL, Rcode.SERVFAIL), (Script(rcode=int(Rcode.REFUSED)), Rcode.REFUSED)],
)
def test_what_an_upstream_says_is_final(script: Script, rcode: Rcode) -> None:
    async def story() -> None:
        async with FakeUpstream(default=script) as first, FakeUpstream(default=WWW) as second:
            answer = await Lab(first.address, second.address, policy=Order.SEQUENTIAL).ask()
            assert (answer.rcode, answer.upstream, second.questions) == (rcode, first.address, [])

    run(story)


@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize("lies", [(lie,) for lie in Lie] + [tuple(Lie) * 5], ids=lambda lies: f"{len(lies)} {lies[0]}")
def test_lies_are_ignored_until_the_truth_comes(lies: tuple[Lie, ...], transport: Transport) -> None:
    if transport is Transport.TCP and len(lies) > 1:
        lies = tuple(Lie)

    async def story() -> None:
        async with FakeUpstream() as upstream:
            upstream.on("www.lab.test", Script(answer=WWW.answer, lies=lies, delay=0.02))
            lab = Lab(upstream.address)
            assert addresses(await lab.ask(transport=transport)) == ["198.51.100.10"]
            assert len(upstream.questions) == 1
            told = next(m for m in lab.metrics.collect() if m.name == "dnspolicy_forward_mismatched_total")
            assert isinstance(told, Counter)
            assert sum(told.values.values()) == len(lies)

    run(story)


@pytest.mark.parametrize("lie", Lie)
def test_a_lie_alone_is_no_answer(lie: Lie) -> None:
    async def story() -> None:
        async with FakeUpstream(default=Script(lies=(lie,), truth=False)) as upstream:
            answer = await Lab(upstream.address).ask(seconds=SHORT)
            assert answer.rcode == Rcode.SERVFAIL
            assert answer.ede[0].code == EdeCode.NO_REACHABLE_AUTHORITY

    run(story)


def test_records_off_the_chain_are_dropped_and_counted() -> None:
    async def story() -> None:
        async with FakeUpstream() as upstream:
            evil = record("bank.test", "A", FORGED)
            upstream.on("www.lab.test", Script(answer=(evil, *WWW.answer), authority=(evil,), additional=(evil,)))
            lab = Lab(upstream.address)
            answer = await lab.ask()
            assert (addresses(answer), answer.authority, answer.additional) == (["198.51.100.10"], (), ())
            assert lab.value("dnspolicy_forward_scrubbed_records_total") == 2

    run(story)


def test_a_second_answer_meets_nobody() -> None:
    async def story() -> None:
        async with FakeUpstream() as upstream:
            upstream.on("www.lab.test", Script(answer=WWW.answer, copies=5))
            upstream.on("w2.lab.test", Script(answer=(record("w2.lab.test", "A", "198.51.100.2"),)))
            lab = Lab(upstream.address)
            for _ in range(20):
                assert addresses(await lab.ask()) == ["198.51.100.10"]
                assert addresses(await lab.ask("w2.lab.test")) == ["198.51.100.2"]

    run(story)


def test_a_late_answer_counts_while_another_upstream_is_asked() -> None:
    async def story() -> None:
        late = Script(answer=WWW.answer, delay=0.5)
        async with FakeUpstream(default=late) as slow, FakeUpstream(default=SILENT) as silent:
            answer = await Lab(slow.address, silent.address, policy=Order.SEQUENTIAL).ask(seconds=1.2)
            assert (answer.upstream, len(slow.questions), len(silent.questions)) == (slow.address, 1, 1)

    run(story)


def test_an_answer_after_the_deadline_is_too_late() -> None:
    async def story() -> None:
        async with FakeUpstream(default=Script(answer=WWW.answer, delay=0.5)) as upstream:
            lab = Lab(upstream.address)
            answer = await lab.ask(seconds=0.2)
            assert (answer.rcode, answer.ede[0].code) == (Rcode.SERVFAIL, EdeCode.NO_REACHABLE_AUTHORITY)
            assert upstream.address in answer.ede[0].text
            await asyncio.sleep(0.5)
            assert lab.value("dnspolicy_forward_in_flight") == 0

    run(story)


def test_ids_and_ports_cannot_be_foreseen() -> None:
    async def story() -> None:
        async with FakeUpstream() as upstream:
            lab = Lab(upstream.address)
            for number in range(40):
                await lab.ask(f"n{number}.lab.test")
            ids, ports = [a.id for a in upstream.questions], [a.port for a in upstream.questions]
            assert len(set(ids)) > 30
            assert len(set(ports)) > 30
            for found in (ids, ports):
                steps = {b - a for a, b in itertools.pairwise(found)}
                assert len(steps) > 30

    run(story)


SUBNET, NSID, LOCAL = (8, b"\0\1\x18\0\xc0\0\2"), (3, b""), (65001, b"pod")
COOKIE, KEEPALIVE, PADDING = (10, b"12345678"), (11, b""), (12, bytes(20))


@pytest.mark.parametrize(
    ("theirs", "set_here", "want"),
    [
        pytest.param((COOKIE, KEEPALIVE, PADDING, (65535, b"x"), (65000, b"x")), (), (), id="nothing of one hop"),
        pytest.param((COOKIE, SUBNET, NSID, LOCAL), (), (SUBNET, NSID, LOCAL), id="subnet, NSID and local ones"),
        pytest.param((), (LOCAL,), (LOCAL,), id="set on the way"),
        pytest.param((SUBNET, (65001, b"mine")), (LOCAL,), (LOCAL, SUBNET), id="what was set counts more"),
        pytest.param(((65001, bytes(600)),), (), (), id="too long"),
    ],
)
def test_which_options_leave(theirs: Options, set_here: Options, want: Options) -> None:
    async def story() -> None:
        async with FakeUpstream(default=WWW) as upstream:
            answer = await Lab(upstream.address).ask(
                edns=Edns(4096, do=True, options=theirs), upstream_options=set_here, cd=True, rd=False, id=77
            )
            asked = upstream.questions[0].query
            assert asked.edns == Edns(1232, do=True, options=want)
            assert (asked.cd, asked.rd) == (True, True)
            assert answer.private is bool(want)

    run(story)


def test_identical_questions_go_out_once_and_each_asker_gets_its_letters() -> None:
    async def story() -> None:
        async with FakeUpstream(default=Script(answer=WWW.answer, delay=0.1)) as upstream:
            lab = Lab(upstream.address)
            names = ["www.lab.test", "WWW.lab.test", "www.LAB.test"]
            answers = await asyncio.gather(*map(lab.ask, names))
            assert [a.answer[0].owner.wire for a in answers] == [from_text(n).wire for n in names]
            assert len(upstream.questions) == 1
            assert lab.value("dnspolicy_forward_merged_total") == 2

    run(story)


@pytest.mark.parametrize(
    "other",
    [{"qtype": Type.AAAA}, {"cd": True}, {"edns": Edns(1232, do=True)}, {"qclass": 3},
     {"edns": Edns(1232, options=(SUBNET,))}, {"upstream_options": (LOCAL,)}],
    ids=str,
)  # fmt: skip
def test_different_questions_are_not_merged(other: dict[str, object]) -> None:
    async def story() -> None:
        async with FakeUpstream(default=Script(delay=0.1)) as upstream:
            lab = Lab(upstream.address)
            await asyncio.gather(lab.ask(), lab.ask(**other))  # type: ignore[arg-type]
            assert len(upstream.questions) == 2

    run(story)


def test_the_same_question_to_other_upstreams_is_another_question() -> None:
    async def story() -> None:
        slow = Script(answer=WWW.answer, delay=0.1)
        async with FakeUpstream(default=slow) as one, FakeUpstream(default=slow) as two:
            lab = Lab(one.address)
            name = from_text("www.lab.test")
            redirected = lab.forwarder.redirect(Query(name, 1, name), (two.address,), CLOCK.monotonic() + 5)
            answers = await asyncio.gather(lab.ask(), redirected)
            assert [a.upstream for a in answers] == [one.address, two.address]

    run(story)


def test_who_asked_first_may_leave() -> None:
    async def story() -> None:
        async with FakeUpstream(default=Script(answer=WWW.answer, delay=0.2)) as upstream:
            lab = Lab(upstream.address)
            first, second = (asyncio.create_task(lab.ask()) for _ in range(2))
            await asyncio.sleep(0.02)
            first.cancel()
            assert addresses(await second) == ["198.51.100.10"]
            with pytest.raises(asyncio.CancelledError):
                await first
            assert len(upstream.questions) == 1

    run(story)


def test_one_in_a_hurry_does_not_wait_for_the_patient_one_it_joined() -> None:
    async def story() -> None:
        async with FakeUpstream(default=Script(answer=WWW.answer, delay=0.5)) as upstream:
            lab = Lab(upstream.address)
            patient = asyncio.create_task(lab.ask())
            await asyncio.sleep(0.02)
            assert (await lab.ask(seconds=0.1)).rcode == Rcode.SERVFAIL
            assert not patient.done()
            assert addresses(await patient) == ["198.51.100.10"]
            assert len(upstream.questions) == 1

    run(story)


class TestSeveralUpstreams:
    @pytest.mark.parametrize("order", Order)
    def test_one_that_refuses_is_passed_over_at_once(self, order: Order) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW) as upstream:
                lab = Lab(closed_port(), upstream.address, policy=order)
                for _ in range(5):
                    assert (await lab.ask()).upstream == upstream.address
                assert len(upstream.questions) == 5

        run(story)

    def test_one_that_is_silent_is_tried_last_the_next_time(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=SILENT) as silent, FakeUpstream(default=WWW) as upstream:
                lab = Lab(silent.address, upstream.address, policy=Order.SEQUENTIAL)
                assert (await lab.ask(seconds=0.6)).upstream == upstream.address
                assert (await lab.ask(seconds=0.6)).upstream == upstream.address
                assert len(silent.questions) == 1

        run(story)

    def test_all_refusing_fail_at_once_with_their_names(self) -> None:
        async def story() -> None:
            ports = [closed_port(), closed_port()]
            lab = Lab(*ports, policy=Order.SEQUENTIAL)
            answer = await lab.ask()
            assert (answer.rcode, answer.ede[0].code) == (Rcode.SERVFAIL, EdeCode.NETWORK_ERROR)
            assert answer.ede[0].text == ", ".join(f"{port} connection refused" for port in ports)
            assert (answer.made_by, answer.upstream) == ("forward", "")

        run(story)

    def test_silence_ends_with_the_budget(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=SILENT) as one, FakeUpstream(default=SILENT) as two:
                answer = await Lab(one.address, two.address).ask(seconds=SHORT)
                assert (answer.rcode, answer.ede[0].code) == (Rcode.SERVFAIL, EdeCode.NO_REACHABLE_AUTHORITY)
                assert len(one.questions) + len(two.questions) == 3

        run(story)

    def test_a_bare_error_sends_the_question_to_the_next(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW) as upstream, _always(b"\x81\x82" + bytes(8)) as broken:
                assert (await Lab(broken, upstream.address, policy=Order.SEQUENTIAL).ask()).upstream == upstream.address

        run(story)


@contextlib.asynccontextmanager
async def _always(said: bytes) -> AsyncIterator[str]:
    """Says the same to every question over UDP, behind its id."""

    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.transport.sendto(data[:2] + said, addr)  # type: ignore[attr-defined]

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    transport.close()


class TestTcp:
    MANY = tuple(record("big.lab.test", "A", f"198.51.{n // 250}.{n % 250}") for n in range(1000))

    @pytest.mark.parametrize(
        ("options", "asked", "found", "over"),
        [
            pytest.param({}, Transport.UDP, (0, True), [Transport.UDP], id="handed on to a client over UDP"),
            pytest.param({}, Transport.TCP, (1000, False), [Transport.TCP], id="whole over TCP"),
            pytest.param(
                {"prefer_udp": True}, Transport.UDP, (1000, False), [Transport.UDP, Transport.TCP], id="fetched, UDP"
            ),
            pytest.param(
                {"prefer_udp": True}, Transport.TCP, (1000, False), [Transport.UDP, Transport.TCP], id="fetched, TCP"
            ),
        ],
    )
    def test_a_truncated_answer(
        self, options: dict[str, object], asked: Transport, found: tuple[int, bool], over: list[Transport]
    ) -> None:
        async def story() -> None:
            async with FakeUpstream(default=Script(answer=self.MANY, tc=True)) as upstream:
                answer = await Lab(upstream.address, **options).ask("big.lab.test", transport=asked)
                assert (len(answer.answer), answer.tc, answer.rcode) == (*found, Rcode.NOERROR)
                assert [a.transport for a in upstream.questions] == over
                assert answer.fresh == ONCE

        run(story)

    def test_clients_over_udp_and_over_tcp_do_not_share_a_question(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=Script(answer=self.MANY, tc=True)) as upstream:
                lab = Lab(upstream.address)
                both = [lab.ask("big.lab.test", transport=over) for over in Transport]
                found = await asyncio.gather(*both)
                assert sorted((answer.tc, len(answer.answer)) for answer in found) == [(False, 1000), (True, 0)]

        run(story)

    def test_an_answer_cut_within_a_record_is_fetched(self) -> None:
        async def story() -> None:
            cut = b"\x83\x80\0\1\0\1\0\0\0\0\3www\3lab\4test\0\0\1\0\1\xc0\x0c\0\1\0"
            async with _always(cut) as upstream:
                answer = await Lab(upstream).ask()
                assert (answer.tc, answer.rcode, answer.ede[0].code) == (False, Rcode.SERVFAIL, EdeCode.NETWORK_ERROR)

        run(story)

    @pytest.mark.parametrize(
        ("options", "asked", "want"),
        [
            pytest.param({}, Transport.UDP, Transport.UDP, id="as asked, UDP"),
            pytest.param({}, Transport.TCP, Transport.TCP, id="as asked, TCP"),
            pytest.param({"force_tcp": True}, Transport.UDP, Transport.TCP, id="force_tcp"),
            pytest.param({"prefer_udp": True}, Transport.TCP, Transport.UDP, id="prefer_udp"),
        ],
    )
    def test_transport(self, options: dict[str, object], asked: Transport, want: Transport) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW) as upstream:
                assert addresses(await Lab(upstream.address, **options).ask(transport=asked)) == ["198.51.100.10"]
                assert [a.transport for a in upstream.questions] == [want]

        run(story)

    @pytest.mark.parametrize("trick", [t for t in TcpTrick if t not in (TcpTrick.NONE, TcpTrick.CLOSE_AFTER)])
    def test_a_broken_conversation_is_no_answer_and_the_next_upstream_is_asked(self, trick: TcpTrick) -> None:
        async def story() -> None:
            broken = Script(answer=WWW.answer, tcp=trick)
            async with FakeUpstream(default=broken) as one, FakeUpstream(default=WWW) as two:
                lab = Lab(one.address, two.address, policy=Order.SEQUENTIAL, force_tcp=True)
                assert (await lab.ask()).upstream == two.address

        run(story)

    @pytest.mark.parametrize(
        ("options", "asked", "tc", "rcode"),
        [
            pytest.param({}, Transport.UDP, True, Rcode.NOERROR, id="UDP"),
            pytest.param({"prefer_udp": True}, Transport.UDP, True, Rcode.NOERROR, id="fetched for UDP"),
            pytest.param({"prefer_udp": True}, Transport.TCP, False, Rcode.SERVFAIL, id="fetched for TCP"),
        ],
    )
    def test_without_tcp_a_client_over_udp_gets_what_there_is(
        self, options: dict[str, object], asked: Transport, tc: bool, rcode: Rcode
    ) -> None:
        async def story() -> None:
            async with FakeUpstream(default=Script(tc=True), tcp=False) as upstream:
                answer = await Lab(upstream.address, **options).ask(transport=asked)
                assert (answer.tc, answer.rcode) == (tc, rcode)

        run(story)

    def test_silence_over_tcp_ends_with_the_budget(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=SILENT) as upstream:
                answer = await Lab(upstream.address, force_tcp=True).ask(seconds=SHORT)
                assert (answer.rcode, answer.ede[0].code) == (Rcode.SERVFAIL, EdeCode.NO_REACHABLE_AUTHORITY)

        run(story)


def test_a_server_without_edns_is_asked_again_plainly() -> None:
    async def story() -> None:
        async with FakeUpstream(default=Script(answer=WWW.answer, edns=False)) as upstream:
            assert addresses(await Lab(upstream.address).ask()) == ["198.51.100.10"]
            assert [a.query.edns is None for a in upstream.questions] == [False, True]

    run(story)


def test_an_upstream_on_ipv6() -> None:
    async def story() -> None:
        async with FakeUpstream("::1", default=WWW) as upstream:
            assert (await Lab(upstream.address).ask()).upstream == upstream.address

    run(story)


def test_max_concurrent_refuses_what_is_above_it() -> None:
    async def story() -> None:
        async with FakeUpstream(default=Script(answer=WWW.answer, delay=0.2)) as upstream:
            lab = Lab(upstream.address, max_concurrent=2)
            answers = await asyncio.gather(*(lab.ask(f"n{n}.lab.test") for n in range(5)))
            assert [a.rcode for a in answers] == [Rcode.NOERROR] * 2 + [Rcode.REFUSED] * 3
            assert all(a.ede for a in answers[2:])
            assert lab.value("coredns_forward_max_concurrent_rejects_total") == 3
            assert (await lab.ask()).rcode == Rcode.NOERROR

    run(story)


def test_sockets_are_bounded_and_given_back() -> None:
    async def story() -> None:
        async with FakeUpstream(default=Script(delay=0.1)) as upstream:
            lab = Lab(upstream.address, most_sockets=3)
            for _ in range(3):
                answers = await asyncio.gather(*(lab.ask(f"n{n}.lab.test") for n in range(5)))
                assert sorted(a.rcode for a in answers) == [Rcode.NOERROR] * 3 + [Rcode.SERVFAIL] * 2

    run(story)


@pytest.mark.parametrize(
    ("name", "forwarded"),
    [
        ("a.corp.test", True),
        ("corp.test", True),
        ("a.secret.corp.test", False),
        ("notcorp.test", False),
        ("test", False),
    ],
)
def test_zones(name: str, forwarded: bool) -> None:
    async def story() -> None:
        async with FakeUpstream() as upstream:
            lab = Lab(upstream.address)
            config = Config(from_=Zone("corp.test."), to=(upstream.address,), except_=(Zone("secret.corp.test."),))
            lab.room = Forward(config, forwarder=lab.forwarder, clock=CLOCK)
            await lab.ask(name)
            assert (len(upstream.questions), len(lab.behind)) == ((1, 0) if forwarded else (0, 1))

    run(story)


def test_a_resolv_conf(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\n")
    lab = Lab(str(path), "192.0.2.2")
    assert lab.room.upstreams == ("192.0.2.1:53", "192.0.2.2:53")


def test_durations_are_counted_by_upstream_and_rcode() -> None:
    async def story() -> None:
        async with FakeUpstream() as upstream:
            lab = Lab(upstream.address)
            await lab.ask()
            found = next(m for m in lab.metrics.collect() if m.name == "coredns_proxy_request_duration_seconds")
            assert isinstance(found, Histogram)
            assert list(found.values) == [("forward", "NXDOMAIN", upstream.address)]
            assert found.labels == ("proxy_name", "rcode", "to")
            assert (found.buckets[0], found.buckets[-1], len(found.buckets)) == (0.00025, 8.192, 16)

    run(story)


def test_closing_answers_everybody_who_waits() -> None:
    async def story() -> None:
        async with FakeUpstream(default=SILENT) as upstream:
            lab = Lab(upstream.address)
            waiting = [asyncio.create_task(lab.ask(f"n{n}.lab.test")) for n in range(3)]
            await asyncio.sleep(0.02)
            lab.forwarder.close()
            assert {a.rcode for a in await asyncio.gather(*waiting)} == {Rcode.SERVFAIL}

    run(story)


def test_a_policy_may_name_only_addresses() -> None:
    async def story() -> None:
        lab = Lab("192.0.2.1")
        name = from_text("www.lab.test")
        with pytest.raises(ValueError, match="not an IP address"):
            await lab.forwarder.redirect(Query(name, 1, name), ("evil.test",), CLOCK.monotonic() + 1)

    run(story)
