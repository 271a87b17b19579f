"""What a stranger may send: read, or refused with WireError, and what is answered can be read by others."""

from __future__ import annotations

import struct

import dns.message
import pytest

from dnspolicy.model.answer import Answer, ExtendedError
from dnspolicy.model.errors import WireError
from dnspolicy.model.query import Transport
from dnspolicy.model.rr import Rcode
from dnspolicy.wire.accept import Acceptance, accept
from dnspolicy.wire.encode import encode_answer, encode_error, reply_limit
from dnspolicy.wire.message import decode_query, decode_response
from dnspolicy.wire.notify import encode_notified
from tests.wire.packets import NAMES, opt, option, packets, query, question

CEILING = 1232


def test_every_packet_is_ignored_refused_or_answered_within_its_limit() -> None:
    seen: set[str] = set()
    for wire in packets(1, 20_000):
        judged = accept(wire)
        if judged is Acceptance.IGNORE:
            seen.add("ignored")
            continue
        if judged not in (Acceptance.READ, Acceptance.NOTIFY):
            reply = encode_error(wire, judged.value)
            assert len(reply) == 12
            seen.add("refused")
            continue
        try:
            read = decode_query(wire, Transport.UDP)
        except WireError:
            seen.add("malformed")
            continue
        limit = reply_limit(read, CEILING)
        if judged is Acceptance.NOTIFY:
            assert len(encode_notified(read, known=True)) <= limit
            seen.add("notified")
            continue
        reply = encode_answer(read, Answer(Rcode.REFUSED, ede=(ExtendedError(0, "x" * 300),)), limit)
        assert 512 <= limit <= CEILING
        assert len(reply) <= max(limit, 12 + len(read.name.wire) + 4 + 300)
        assert dns.message.from_wire(reply).id == read.id
        seen.add("answered")
    assert seen == {"ignored", "refused", "malformed", "notified", "answered"}


def test_what_an_upstream_sends_is_read_or_malformed() -> None:
    read = 0
    for wire in packets(2, 20_000):
        try:
            decode_response(wire)
        except WireError:
            continue
        read += 1
    assert read > 1_000


@pytest.mark.parametrize("size", [0, 1, 511, 512], ids=str)
def test_an_edns_size_below_512_counts_as_512(size: int) -> None:
    read = decode_query(query(question(NAMES[0]) + opt(size), counts=(1, 0, 0, 1)), Transport.UDP)
    assert reply_limit(read, CEILING) == 512


@pytest.mark.parametrize(("links", "read"), [(10, True), (1_000, False)], ids=["short", "long"])
def test_a_chain_of_pointers_is_followed_so_far(links: int, read: bool) -> None:
    """Each record's owner points to the one before: a message of 64 KiB would ask for millions of steps."""
    body = question(b"\1a\0")
    last = 12
    for _ in range(links):
        at = 12 + len(body)
        body += (0xC000 | last).to_bytes(2, "big") + b"\0\x10\0\1\0\0\0\0\0\0"
        last = at
    message = query(body, flags=0x8180, counts=(1, links, 0, 0))
    if read:
        assert len(decode_response(message).answer) == links
    else:
        with pytest.raises(WireError, match="too many compression pointers"):
            decode_response(message)


HINT = b"\0\4\0\4\1\2\3\4"


@pytest.mark.parametrize(
    ("rtype", "rdata", "kept"),
    [
        pytest.param(1, b"\1\2\3\4", True, id="A"),
        pytest.param(1, b"\1\2\3\4\5", False, id="A, too long"),
        pytest.param(1, b"\1\2\3", False, id="A, too short"),
        pytest.param(28, b"\1" * 17, False, id="AAAA, too long"),
        pytest.param(65, b"\0\1\0" + HINT, True, id="HTTPS"),
        pytest.param(65, b"\0\0\1a\0", True, id="HTTPS, alias"),
        pytest.param(65, b"\0\1\xc0\x0c" + HINT, False, id="HTTPS, compressed target"),
        pytest.param(64, b"\0\1\0\0\1\0\xc8" + HINT, False, id="SVCB, a parameter past the end"),
        pytest.param(64, b"\0\1\0" + HINT + b"\0", False, id="SVCB, bytes left"),
        pytest.param(64, b"\0\1\0\0\4\0\5\1\2\3\4\5", False, id="SVCB, a hint of five bytes"),
        pytest.param(64, b"\0\1\0" + HINT + HINT, False, id="SVCB, hints twice"),
        pytest.param(64, b"\0", False, id="SVCB, next to nothing"),
    ],
)
def test_addresses_that_nobody_can_read_are_handed_to_nobody(rtype: int, rdata: bytes, kept: bool) -> None:
    made = b"\xc0\x0c" + struct.pack("!HHIH", rtype, 1, 60, len(rdata)) + rdata
    response = decode_response(query(question(NAMES[0], rtype) + made, flags=0x8180, counts=(1, 1, 0, 0)))
    assert [record.rdata for record in response.answer] == ([rdata] if kept else [])


def test_client_subnet_is_an_option_like_others() -> None:
    wire = query(question(NAMES[0]) + opt(options=option(8, b"\0\1\x18\0\x7f\n\1")), counts=(1, 0, 0, 1))
    read = decode_query(wire, Transport.UDP)
    assert read.edns is not None
    assert read.edns.options == ((8, b"\0\1\x18\0\x7f\n\1"),)
