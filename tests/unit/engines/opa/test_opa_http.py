"""Replies are read strictly, in whatever pieces they come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.engines.opa.http import Malformed, Reading, Reply, request, write_head

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = (
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n3;x=y\r\n1}\n\r\n0\r\nX-Trailer: 1\r\n\r\n'
)
GOOD = [
    pytest.param(PLAIN, Reply(200, b"{}", True), id="length"),
    pytest.param(CHUNKED, Reply(200, b'{"a":1}\n', True), id="chunks"),
    pytest.param(b"HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n", Reply(204, b"", True), id="no content"),
    pytest.param(b"HTTP/1.1 500 \r\ncontent-length:0\r\n\r\n", Reply(500, b"", True), id="no reason, no space"),
    pytest.param(
        PLAIN.replace(b"Content-Type", b"Connection: Close\r\nContent-Type"), Reply(200, b"{}", False), id="closes"
    ),
    pytest.param(PLAIN.replace(b"1.1", b"1.0"), Reply(200, b"{}", False), id="HTTP/1.0"),
    pytest.param(
        PLAIN.replace(b"Length: 2", b"Length: 2\r\nContent-Length: 2"), Reply(200, b"{}", True), id="same length twice"
    ),
]
BAD = [
    pytest.param(b"SSH-2.0-OpenSSH\r\n", id="another protocol"),
    pytest.param(b"HTTP/2.0 200 OK\r\n\r\n", id="another version"),
    pytest.param(b"HTTP/1.1 20 OK\r\n\r\n", id="a short status"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="an interim reply"),
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\n{}", id="unknown length"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="negative length"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\n", id="length of letters"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", id="lengths in one field"),
    pytest.param(PLAIN.replace(b"Length: 2", b"Length: 2\r\nContent-Length: 3"), id="two lengths"),
    pytest.param(CHUNKED.replace(b"chunked", b"chunked\r\nContent-Length: 3"), id="chunks and a length"),
    pytest.param(CHUNKED.replace(b"chunked", b"gzip, chunked"), id="another coding"),
    pytest.param(PLAIN.replace(b"Content-Type", b"Content-Encoding: gzip\r\nContent-Type"), id="compressed"),
    pytest.param(PLAIN.replace(b"Content-Type:", b"Content-Type :"), id="space before the colon"),
    pytest.param(PLAIN.replace(b"Content-Type", b" Content-Type"), id="folded line"),
    pytest.param(PLAIN.replace(b"json", b"js\x00on"), id="NUL in a field"),
    pytest.param(PLAIN + b"x", id="more than one reply"),
    pytest.param(CHUNKED + b"x", id="more behind the chunks"),
    pytest.param(CHUNKED.replace(b"5\r\n", b"4\r\n"), id="chunk longer than it says"),
    pytest.param(CHUNKED.replace(b"5\r\n", b"\r\n"), id="chunk without a size"),
    pytest.param(CHUNKED.replace(b"5\r\n", b"ffffffffff\r\n"), id="huge chunk"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", id="longer than allowed"),
    pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000, id="endless field"),
    pytest.param(CHUNKED[:-2] + b"X: " + b"x" * 20_000, id="endless trailer"),
]


def fed(raw: bytes, cuts: tuple[int, ...] = ()) -> Reply | None:
    """What is read when `raw` comes cut at these places."""
    reading = Reading(1000)
    places = [0, *sorted(cuts), len(raw)]
    for start, end in pairwise(places):
        if start < end:
            reply = reading.feed(raw[start:end])
            if reply is not None:
                assert end == len(raw), "a reply before its end"
                return reply
    return None


@pytest.mark.parametrize(("raw", "reply"), GOOD)
def test_good_replies(raw: bytes, reply: Reply) -> None:
    assert fed(raw) == reply
    assert fed(raw, tuple(range(len(raw)))) == reply


@pytest.mark.parametrize("raw", BAD)
def test_bad_replies(raw: bytes) -> None:
    with pytest.raises(Malformed):
        fed(raw)


@pytest.mark.parametrize(("raw", "reply"), GOOD)
def test_no_beginning_of_a_reply_is_one(raw: bytes, reply: Reply) -> None:
    for end in range(len(raw)):
        assert fed(raw[:end]) is None


@given(st.data())
def test_pieces_do_not_matter(data: st.DataObject) -> None:
    raw = data.draw(st.sampled_from([PLAIN, CHUNKED]))
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=6))
    assert fed(raw, tuple(cuts)) == fed(raw)


@given(st.binary(max_size=200), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", PLAIN[:-4], CHUNKED[:60]]))
def test_noise_is_refused_or_waited_for(noise: bytes, before: bytes) -> None:
    try:
        found = fed(before + noise)
    except Malformed:
        return
    assert found is None or len(found.body) <= 1000


@pytest.mark.parametrize(
    ("target", "authority", "value"),
    [
        ("/a\r\nX: y", "h", "v"),
        ("/a b", "h", "v"),
        ("a", "h", "v"),
        ("/a", "h\r\nX: y", "v"),
        ("/a", "h", "v\r\nX: y"),
        ("/a", "h", "v\n"),
        ("/a", "h", "\u00fc"),
    ],
)
def test_nothing_can_add_a_line_to_a_request(target: str, authority: str, value: str) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        write_head("POST", target, authority, (("Authorization", value),))


def test_a_request_says_how_long_it_is() -> None:
    head = write_head("POST", "/v1/data/a", "localhost", (("A", "b"),))
    assert request(head, b"{}") == b"POST /v1/data/a HTTP/1.1\r\nHost: localhost\r\nA: b\r\nContent-Length: 2\r\n\r\n{}"
