"""What a stranger may send: read, or refused with WireError, and what is answered can be read by others."""

from __future__ import annotations

import dns.message
import pytest

from dnspolicy.model.answer import Answer, ExtendedError
from dnspolicy.model.errors import WireError
from dnspolicy.model.query import Transport
from dnspolicy.model.rr import Rcode
from dnspolicy.wire.accept import Acceptance, accept
from dnspolicy.wire.encode import encode_answer, encode_error, reply_limit
from dnspolicy.wire.message import decode_query, decode_response
from tests.wire.packets import NAMES, opt, option, packets, query, question

CEILING = 1232


def test_every_packet_is_ignored_refused_or_answered_within_its_limit() -> None:
    seen: set[str] = set()
    for wire in packets(1, 20_000):
        judged = accept(wire)
        if judged is Acceptance.IGNORE:
            seen.add("ignored")
            continue
        if judged is not Acceptance.READ:
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
        reply = encode_answer(read, Answer(Rcode.REFUSED, ede=(ExtendedError(0, "x" * 300),)), limit)
        assert 512 <= limit <= CEILING
        assert len(reply) <= max(limit, 12 + len(read.name.wire) + 4 + 300)
        assert dns.message.from_wire(reply).id == read.id
        seen.add("answered")
    assert seen == {"ignored", "refused", "malformed", "answered"}


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
        body += (0xC000 | last).to_bytes(2, "big") + b"\0\1\0\1\0\0\0\0\0\0"
        last = at
    message = query(body, flags=0x8180, counts=(1, links, 0, 0))
    if read:
        assert len(decode_response(message).answer) == links
    else:
        with pytest.raises(WireError, match="too many compression pointers"):
            decode_response(message)


def test_client_subnet_is_an_option_like_others() -> None:
    wire = query(question(NAMES[0]) + opt(options=option(8, b"\0\1\x18\0\x7f\n\1")), counts=(1, 0, 0, 1))
    read = decode_query(wire, Transport.UDP)
    assert read.edns is not None
    assert read.edns.options == ((8, b"\0\1\x18\0\x7f\n\1"),)
