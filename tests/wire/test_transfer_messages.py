"""Whole zones as messages, and announcements, read back by another library."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.model.answer import Answer
from dnspolicy.model.errors import WireError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Edns, Query, Transport
from dnspolicy.model.rr import Record, Type
from dnspolicy.wire.message import decode_query
from dnspolicy.wire.rdata import soa
from dnspolicy.wire.transfer import encode_notify, encode_transfer, notify_taken

ZONE = from_text("zone.test")
SOA = Record(ZONE, Type.SOA, 60, soa(from_text("ns.zone.test"), from_text("host.zone.test"), 7, 1, 2, 3, 4))
LARGEST = 64_000


def query(edns: Edns | None = None) -> Query:
    return Query(ZONE, Type.AXFR, ZONE, id=77, transport=Transport.TCP, edns=edns)


def messages(records: tuple[Record, ...], edns: Edns | None = None) -> list[bytes]:
    return list(encode_transfer(query(edns), Answer(answer=records, aa=True, transfer=True)))


def record(number: int, size: int) -> Record:
    return Record(from_text(f"n{number}.zone.test"), 65_280, 60, bytes(size))


@pytest.mark.parametrize("edns", [None, Edns(1232)], ids=["plain", "edns"])
@given(sizes=st.lists(st.one_of(st.integers(0, 300), st.integers(20_000, LARGEST)), max_size=25))
def test_every_record_arrives_in_order_and_nothing_is_cut(edns: Edns | None, sizes: list[int]) -> None:
    records = (SOA, *(record(number, size) for number, size in enumerate(sizes)), SOA)
    found = []
    for wire in messages(records, edns):
        assert len(wire) <= 65_535
        message = dns.message.from_wire(wire, one_rr_per_rrset=True)
        assert not message.flags & dns.flags.TC
        assert message.flags & dns.flags.AA
        assert message.id == 77
        assert message.answer
        found += [(rrset.name.to_text(), len(rrset[0].to_wire())) for rrset in message.answer]
    assert found == [(f"{r.owner}.", len(r.rdata)) for r in records]


def test_a_message_has_as_many_records_as_fit() -> None:
    assert len(messages((SOA, *(record(number, 600) for number in range(190)), SOA))) == 2
    assert len(messages((SOA, record(0, LARGEST), SOA))) == 3


@pytest.mark.parametrize(
    ("qtype", "serial", "found"),
    [("IXFR", 5, 5), ("IXFR", 2**32 - 1, 2**32 - 1), ("IXFR", None, None), ("AXFR", 5, None)],
)
def test_the_serial_of_an_ixfr_is_read(qtype: str, serial: int | None, found: int | None) -> None:
    sent = dns.message.make_query("zone.test", qtype, use_edns=0)
    if serial is not None:
        sent.authority.append(dns.rrset.from_text("zone.test.", 0, "IN", "SOA", f"ns.zone.test. h. {serial} 1 1 1 1"))
    assert decode_query(sent.to_wire(), Transport.TCP).serial == found


@given(st.binary(max_size=60))
def test_a_broken_ixfr_is_an_error_or_has_no_serial(rest: bytes) -> None:
    sent = dns.message.make_query("zone.test", "IXFR").to_wire()
    wire = sent[:8] + b"\0\1" + sent[10:] + rest
    try:
        serial = decode_query(wire, Transport.TCP).serial
    except WireError:
        return
    assert serial is None or 0 <= serial < 2**32


def test_an_announcement_is_what_rfc_1996_says() -> None:
    message = dns.message.from_wire(encode_notify(ZONE, 4711))
    assert (message.id, message.opcode(), message.question[0].to_text()) == (
        4711,
        dns.opcode.NOTIFY,
        "zone.test. IN SOA",
    )
    assert message.flags & dns.flags.AA


def reply(rcode: dns.rcode.Rcode, id: int = 4711) -> bytes:
    made = dns.message.make_response(dns.message.from_wire(encode_notify(ZONE, id)))
    made.set_rcode(rcode)
    return made.to_wire()


@pytest.mark.parametrize(
    ("wire", "taken"),
    [
        pytest.param(reply(dns.rcode.NOERROR), True, id="accepted"),
        pytest.param(reply(dns.rcode.NOTAUTH), False, id="refused"),
        pytest.param(reply(dns.rcode.NOERROR, 4712), None, id="another-id"),
        pytest.param(encode_notify(ZONE, 4711), None, id="no-reply"),
        pytest.param(reply(dns.rcode.NOERROR)[:11], None, id="short"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_a_reply_to_an_announcement(wire: bytes, taken: bool | None) -> None:
    assert notify_taken(encode_notify(ZONE, 4711), wire) is taken
