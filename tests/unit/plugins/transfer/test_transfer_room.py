from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_network

import dns.message
import dns.opcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.transfer import Told
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.transfer import Config, Transfer, notify
from dnspolicy.wire.rdata import soa

ZONE = from_text("zone.test")
SUB = from_text("sub.zone.test")
NEXT = Answer(Rcode.REFUSED, made_by="next")


def records(zone: Name) -> tuple[Record, ...]:
    first = Record(zone, Type.SOA, 60, soa(zone, zone, 7, 1, 2, 3, 4))
    return (first, Record(zone, Type.NS, 60, zone.wire), first)


class Source:
    """Two zones, of which `missing` is not loaded."""

    def __init__(self, missing: Name | None = None) -> None:
        self._missing = missing
        self.told: Told | None = None

    def zones(self) -> tuple[Name, ...]:
        return (ZONE, SUB)

    def transfer(self, zone: Name) -> tuple[Record, ...] | None:
        return None if zone == self._missing else records(zone)

    def serial(self, zone: Name) -> int | None:
        return None if zone == self._missing else 7


class Announcing(Source):
    def announce_to(self, told: Told) -> None:
        self.told = told


async def ask_next(query: Query, ctx: QueryContext) -> Reply:
    return NEXT


def room(*configs: Config, source: Source | None = None) -> Transfer:
    made = Transfer(configs or (Config(to=("*",)),), origins=(from_text("test"),), metrics=Metrics())
    made.sources.append(source or Source())
    return made


def ask(
    made: Transfer,
    name: str = "zone.test",
    qtype: Type = Type.AXFR,
    source: str = "192.0.2.1",
    transport: Transport = Transport.TCP,
    serial: int | None = None,
) -> Answer:
    asked = from_text(name)
    query = Query(asked, qtype, asked, transport=transport, serial=serial)
    reply = asyncio.run(made.handle(query, QueryContext(source, 4000, 0.0, 5.0, ask_next), ask_next))
    assert isinstance(reply, Answer)
    return reply


def test_the_whole_zone_is_handed_out() -> None:
    reply = ask(room())
    assert (reply.rcode, reply.answer, reply.transfer, reply.aa) == (Rcode.NOERROR, records(ZONE), True, True)
    assert reply.fresh.ttl == 0


@pytest.mark.parametrize(
    ("serial", "whole"), [(7, False), (6, True), (8, True), (0, True)], ids=["same", "older", "newer", "zero"]
)
def test_an_ixfr_with_the_serial_of_the_zone_gets_one_soa(serial: int, whole: bool) -> None:
    reply = ask(room(), qtype=Type.IXFR, serial=serial)
    assert reply.transfer is whole
    assert reply.answer == (records(ZONE) if whole else records(ZONE)[:1])
    assert (reply.aa, reply.made_by, reply.fresh.ttl) == (True, "transfer", 0)


def test_an_ixfr_without_a_serial_fails() -> None:
    assert ask(room(), qtype=Type.IXFR).rcode == Rcode.SERVFAIL


@pytest.mark.parametrize("qtype", [Type.AXFR, Type.IXFR])
def test_not_over_udp(qtype: Type) -> None:
    assert ask(room(), qtype=qtype, transport=Transport.UDP, serial=7).rcode == Rcode.REFUSED


@pytest.mark.parametrize(
    ("to", "source", "allowed"),
    [
        pytest.param(("*",), "2001:db8::1", True, id="anybody"),
        pytest.param(("192.0.2.1",), "192.0.2.1", True, id="address"),
        pytest.param(("192.0.2.1",), "192.0.2.2", False, id="another-address"),
        pytest.param(("192.0.2.1:5300",), "192.0.2.1", True, id="address-with-port"),
        pytest.param(("192.0.2.0/24",), "192.0.2.77", True, id="network"),
        pytest.param(("192.0.2.0/24",), "192.0.3.77", False, id="outside-network"),
        pytest.param(("2001:DB8:0::1",), "2001:db8::1", True, id="ipv6-spelling"),
        pytest.param(("[2001:db8::1]:53",), "2001:db8::1", True, id="ipv6-with-port"),
        pytest.param(("::ffff:192.0.2.1",), "192.0.2.1", True, id="mapped"),
        pytest.param(("198.51.100.1", "192.0.2.1"), "192.0.2.1", True, id="second-of-two"),
        pytest.param(("0.0.0.0/0",), "2001:db8::1", False, id="all-of-the-other-family"),
    ],
)
def test_who_may_have_it(to: tuple[str, ...], source: str, allowed: bool) -> None:
    reply = ask(room(Config(to=to)), source=source)
    assert (reply.rcode == Rcode.NOERROR) is allowed
    assert reply.transfer is allowed
    assert reply.fresh.ttl == 0, "another client may be answered otherwise"


def test_a_rule_for_the_root_is_for_all_zones() -> None:
    made = Transfer([Config(to=("192.0.2.1",), zones=(".",))], origins=(), metrics=Metrics())
    made.sources.append(Source())
    assert ask(made).transfer
    assert ask(made, source="192.0.2.2").rcode == Rcode.REFUSED


def test_the_longest_zone_decides() -> None:
    made = room(Config(to=("*",), zones=("zone.test.",)), Config(to=("198.51.100.1",), zones=("sub.zone.test.",)))
    assert ask(made, "zone.test").transfer
    assert ask(made, "sub.zone.test").rcode == Rcode.REFUSED
    assert ask(made, "sub.zone.test", source="198.51.100.1").transfer


@pytest.mark.parametrize(
    ("name", "qtype"),
    [("zone.test", Type.SOA), ("www.zone.test", Type.AXFR), ("zone.example", Type.AXFR), ("none.test", Type.AXFR)],
    ids=["no-transfer", "below-the-apex", "outside-the-zones", "nobody-holds-it"],
)
def test_everything_else_is_asked_on(name: str, qtype: Type) -> None:
    assert ask(room(), name, qtype) is NEXT


def test_a_zone_that_is_not_loaded_fails() -> None:
    reply = ask(room(source=Source(missing=ZONE)))
    assert (reply.rcode, reply.transfer) == (Rcode.SERVFAIL, False)


@pytest.mark.parametrize(
    "word",
    ["", "host", "1.2.3", "1.2.3.4:0", "1.2.3.4:70000", "1.2.3.4:x", "[::1", "[::1]53", "10.0.0.1/8", "1.2.3.4/99"],
)
def test_what_is_nobodys_address_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        Config(to=(word,))


def test_a_source_must_be_an_address() -> None:
    with pytest.raises(ValueError, match="'eth0'"):
        Config(to=("*",), source="eth0")


@given(st.text(max_size=20))
def test_any_word_is_taken_or_refused(word: str) -> None:
    try:
        config = Config(to=(word,))
    except ValueError:
        return
    assert config.anybody or config.networks


def test_networks_are_not_told() -> None:
    config = Config(to=("*", "10.0.0.0/8", "192.0.2.1", "[::1]:5300"))
    assert list(map(str, config.secondaries)) == ["192.0.2.1:53", "[::1]:5300"]
    assert set(config.networks) == {ip_network(text) for text in ("10.0.0.0/8", "192.0.2.1", "::1")}


class Secondary(asyncio.DatagramProtocol):
    """Answers announcements with the codes it is given, None for silence; the last one for all further ones."""

    def __init__(self, *codes: int | None) -> None:
        self.heard: list[dns.message.Message] = []
        self._codes = list(codes)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.append(dns.message.from_wire(data))
        code = self._codes.pop(0) if len(self._codes) > 1 else self._codes[0]
        if code is not None:
            reply = dns.message.make_response(self.heard[-1])
            reply.set_rcode(code)  # type: ignore[arg-type]
            self.transport.sendto(reply.to_wire(), addr)  # type: ignore[attr-defined]


async def told(secondary: Secondary, until: Callable[[Transfer], bool], source: Source) -> Transfer:
    """A started room whose one secondary is `secondary`, when `until` holds."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: secondary, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    made = room(Config(to=(f"127.0.0.1:{port}", "10.0.0.0/8", "*"), source="127.0.0.1"), source=source)
    await made.start()
    for _ in range(500):
        if until(made):
            break
        await asyncio.sleep(0.01)
    await made.stop()
    transport.close()
    return made


def test_secondaries_are_told_at_the_start_and_of_changes() -> None:
    secondary, source = Secondary(0), Announcing()

    def until(made: Transfer) -> bool:
        if len(secondary.heard) == 2:
            assert source.told is not None
            source.told(ZONE)
        return len(secondary.heard) > 2

    asyncio.run(told(secondary, until, source))
    assert [message.opcode() for message in secondary.heard] == [dns.opcode.NOTIFY] * 3
    assert [str(message.question[0].name) for message in secondary.heard] == [
        "zone.test.",
        "sub.zone.test.",
        "zone.test.",
    ]


def test_an_announcement_without_an_answer_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "PATIENCE", (0.05, 0.05, 5.0))
    secondary = Secondary(None, None, 0)
    asyncio.run(told(secondary, lambda made: len(secondary.heard) >= 4, Announcing()))
    names = [str(message.question[0].name) for message in secondary.heard]
    assert len(names) >= 4
    assert max(map(names.count, names)) <= 3


def test_a_source_that_does_not_announce_is_not_announced() -> None:
    secondary = Secondary(0)
    asyncio.run(told(secondary, lambda made: True, Source()))
    assert secondary.heard == []
