"""Options that choose between upstreams, between directives, and where questions come from."""

from __future__ import annotations

import asyncio
import socket

import pytest

from dnspolicy.chain.build import build
from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.corefile.schema import Duration, Zone
from dnspolicy.model.answer import Answer, Drop
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.forward import Config, Forward
from dnspolicy.plugins.forward.attempt import Order
from dnspolicy.plugins.forward.names import LookUp
from dnspolicy.testing.upstream import NXDOMAIN, SERVFAIL, SILENT, FakeUpstream, Script, in_thread, record
from tests.unit.plugins.forward.lab import CLOCK, SHORT, WWW, Lab, addresses, closed_port, run

REFUSED = Script(rcode=int(Rcode.REFUSED))
NODATA = Script(authority=(record("lab.test", "SOA", "ns.lab.test a.lab.test 1 2 3 4 5"),))


def in_turn(*upstreams: FakeUpstream, **options: object) -> Lab:
    return Lab(*(u.address for u in upstreams), policy=Order.SEQUENTIAL, **options)  # type: ignore[arg-type]


class TestFailover:
    @pytest.mark.parametrize(
        ("scripts", "rcode", "asked"),
        [
            pytest.param((SERVFAIL, WWW, WWW), Rcode.NOERROR, [1, 1, 0], id="the next one knows"),
            pytest.param((SERVFAIL, REFUSED, WWW), Rcode.NOERROR, [1, 1, 1], id="any of the codes"),
            pytest.param((SERVFAIL, SERVFAIL, REFUSED), Rcode.REFUSED, [1, 1, 1], id="the last one's answer stands"),
            pytest.param((NXDOMAIN, WWW, WWW), Rcode.NXDOMAIN, [1, 0, 0], id="other codes are final"),
        ],
    )
    def test_asks_the_next(self, scripts: tuple[Script, ...], rcode: Rcode, asked: list[int]) -> None:
        async def story() -> None:
            one, two, three = (FakeUpstream(default=script) for script in scripts)
            async with one, two, three:
                answer = await in_turn(one, two, three, failover=("servfail", "REFUSED")).ask()
                assert answer.rcode == rcode
                assert [len(u.questions) for u in (one, two, three)] == asked

        run(story)

    def test_an_answer_is_better_than_silence(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=SERVFAIL) as one, FakeUpstream(default=SILENT) as two:
                answer = await in_turn(one, two, failover=("SERVFAIL",)).ask(seconds=SHORT)
                assert (answer.rcode, answer.upstream) == (Rcode.SERVFAIL, one.address)

        run(story)


class TestNext:
    @pytest.mark.parametrize(
        ("script", "options", "goes_on"),
        [
            pytest.param(NXDOMAIN, {"next": ("NXDOMAIN",)}, True, id="next"),
            pytest.param(SERVFAIL, {"next": ("NXDOMAIN", "servfail")}, True, id="one of several codes"),
            pytest.param(SERVFAIL, {"next": ("NXDOMAIN",)}, False, id="another code"),
            pytest.param(NODATA, {"next_on_nodata": True}, True, id="no data"),
            pytest.param(NODATA, {"next": ("NXDOMAIN",)}, False, id="no data, not wanted"),
            pytest.param(WWW, {"next_on_nodata": True}, False, id="data"),
            pytest.param(NXDOMAIN, {"next": ("NXDOMAIN",), "last": True}, False, id="no forward behind"),
        ],
    )
    def test_asks_the_next_directive(self, script: Script, options: dict[str, object], goes_on: bool) -> None:
        async def story() -> None:
            async with FakeUpstream(default=script) as upstream:
                lab = in_turn(upstream, **{"last": False} | options)
                answer = await lab.ask()
                assert (answer.made_by == "behind", len(lab.behind)) == (goes_on, int(goes_on))

        run(story)

    def test_no_answer_is_not_passed_on(self) -> None:
        async def story() -> None:
            lab = Lab(closed_port(), next=("SERVFAIL",), last=False)
            assert ((await lab.ask()).rcode, lab.behind) == (Rcode.SERVFAIL, [])

        run(story)

    def test_directives_are_tried_in_the_order_of_the_file(self) -> None:
        async def story() -> None:
            async with FakeUpstream(default=WWW) as wide, FakeUpstream(default=WWW) as narrow:
                lab = Lab(wide.address)
                rooms = [
                    Forward(Config(from_=Zone(zone), to=(u.address,)), forwarder=lab.forwarder, clock=CLOCK)
                    for zone, u in (("test.", wide), ("lab.test.", narrow))
                ]
                name = from_text("www.lab.test")
                reply = await build(rooms)(Query(name, 1, name), lab.context())
                assert isinstance(reply, Answer)
                assert reply.upstream == wide.address

        run(story)


def test_the_zone_itself_is_forwarded_even_if_an_exception_names_it() -> None:
    async def story() -> None:
        async with FakeUpstream(default=WWW) as upstream:
            lab = Lab(upstream.address)
            config = Config(from_=Zone("lab.test."), to=(upstream.address,), except_=(Zone("lab.test."),))
            lab.room = Forward(config, forwarder=lab.forwarder, clock=CLOCK)
            assert (await lab.ask("lab.test")).upstream == upstream.address
            assert (await lab.ask("www.lab.test")).made_by == "behind"

    run(story)


@pytest.mark.parametrize("options", [{}, {"force_tcp": True}], ids=["UDP", "TCP"])
def test_source_address(options: dict[str, object]) -> None:
    async def story() -> None:
        async with FakeUpstream(default=WWW) as upstream:
            ports, sources = set(), set()
            take = upstream._read

            def read(wire: bytes, transport: object, port: int) -> object:
                ports.add(port)
                return take(wire, transport, port)  # type: ignore[arg-type]

            upstream._read = read  # type: ignore[method-assign,assignment]
            lab = Lab(upstream.address, source_address="127.0.0.9", **options)  # type: ignore[arg-type]
            for n in range(20):
                assert (await lab.ask(f"n{n}.test")).rcode == Rcode.NOERROR
            if not options:
                assert len(ports) > 15
                kept = lab.room._route.peers[0].sources
                assert kept is not None
                for sock in kept._idle:
                    sources.add(sock.getsockname()[0])
                assert sources == {"127.0.0.9"}

    run(story)


def test_a_source_address_that_is_not_ours_is_an_error() -> None:
    async def story() -> None:
        async with FakeUpstream(default=WWW) as upstream:
            answer = await Lab(upstream.address, source_address="192.0.2.1").ask()
            assert (answer.rcode, upstream.asked) == (Rcode.SERVFAIL, [])

    run(story)


@pytest.mark.parametrize(("most", "asked"), [(1, 1), (2, 2), (None, 3)])
def test_max_connect_attempts(most: int | None, asked: int) -> None:
    async def story() -> None:
        async with FakeUpstream(default=SILENT) as upstream:
            lab = Lab(upstream.address, max_connect_attempts=most, read_timeout=Duration(0.1))
            assert (await lab.ask()).rcode == Rcode.SERVFAIL
            assert len(upstream.questions) == asked

    run(story)


class TestHostNames:
    HELD = (record("dns.lab.test", "A", "127.0.0.7"), record("dns.lab.test", "AAAA", "::7"))

    def test_are_looked_up_at_the_resolver(self) -> None:
        with in_thread(FakeUpstream()) as resolver:
            resolver.hold(*self.HELD)
            lab = Lab("dns.lab.test:5353", "tls://dns.lab.test", resolver=(resolver.address,))
            assert lab.room.upstreams == ("127.0.0.7:5353", "[::7]:5353", "127.0.0.7:853", "[::7]:853")

    def test_the_next_resolver_is_asked_when_one_fails(self) -> None:
        with in_thread(FakeUpstream()) as resolver:
            resolver.hold(*self.HELD)
            assert LookUp((closed_port(), resolver.address))("dns.lab.test") == ("127.0.0.7", "::7")

    def test_a_resolver_that_lies_is_not_believed(self) -> None:
        from dnspolicy.testing.lies import Lie

        with in_thread(FakeUpstream()) as resolver:
            for rtype, held in zip(("A", "AAAA"), self.HELD, strict=True):
                resolver.on("dns.lab.test", Script(answer=(held,), lies=(Lie.WRONG_ID, Lie.WRONG_NAME)), qtype=rtype)
            assert LookUp((resolver.address,))("dns.lab.test") == ("127.0.0.7", "::7")

    @pytest.mark.parametrize("script", [NXDOMAIN, SERVFAIL], ids=["NXDOMAIN", "SERVFAIL"])
    def test_one_without_addresses_is_refused(self, script: Script) -> None:
        with (
            in_thread(FakeUpstream(default=script)) as resolver,
            pytest.raises(ConfigError, match=r"'dns.lab.test' has no addresses"),
        ):
            Lab("dns.lab.test", resolver=(resolver.address,))

    def test_a_resolver_that_is_not_there_is_named(self) -> None:
        port = closed_port()
        with pytest.raises(ConfigError, match=f"cannot be looked up: {port}"):
            Lab("dns.lab.test", resolver=(port,))

    def test_the_system_is_asked_for_the_absolute_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
            assert host == "dns.lab.test."
            return [
                (2, 2, 17, "", ("127.0.0.7", 0)),
                (10, 2, 17, "", ("::7", 0, 0, 0)),
                (2, 2, 17, "", ("127.0.0.7", 0)),
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        assert LookUp()("dns.lab.test") == ("127.0.0.7", "::7")


def test_label() -> None:
    name = from_text("www.lab.test")
    query = Query(name, 1, name)
    lab = Lab("192.0.2.1")
    metadata = Metadata()
    metadata.describers.append(lab.room)
    assert metadata.value("forward/upstream", Subject(query, reply=Answer(upstream="192.0.2.1:53"))) == "192.0.2.1:53"
    assert metadata.value("forward/upstream", Subject(query, reply=Drop("no"))) == ""
    assert metadata.value("forward/upstream", Subject(query)) == ""
    assert lab.room.describe("forward/other", Subject(query)) is None
    assert lab.room.facts_of("forward/upstream") == frozenset()


def test_ten_thousand_questions_at_once() -> None:
    async def story() -> None:
        async with FakeUpstream(default=WWW) as upstream:
            upstream._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)  # type: ignore[union-attr]
            lab = Lab(upstream.address, most_sockets=400)
            answers = await asyncio.gather(*(lab.ask(f"n{n}.test") for n in range(10_000)))
            assert {a.rcode for a in answers} <= {Rcode.NOERROR, Rcode.SERVFAIL}
            assert lab.forwarder._ties.budget.left == 400
            assert addresses(await lab.ask()) == ["198.51.100.10"]

    run(story)
