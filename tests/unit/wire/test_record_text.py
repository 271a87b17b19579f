from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.model.name import from_text, master_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.wire import rdata
from dnspolicy.wire.message import decode_query, encode_query
from dnspolicy.wire.recordtext import read_record


@pytest.mark.parametrize(
    ("text", "record"),
    [
        pytest.param("a.b. 60 IN A 1.2.3.4", "a.b 60 1 1.2.3.4", id="whole"),
        pytest.param("a.b IN 60 A 1.2.3.4", "a.b 60 1 1.2.3.4", id="class-before-ttl"),
        pytest.param("a.b A 1.2.3.4", "a.b 3600 1 1.2.3.4", id="neither"),
        pytest.param("a.b 1h in cname c.d", "a.b 3600 5 c.d.", id="names-are-absolute"),
        pytest.param("b. 60 SOA ns.b. h.b. (1 2\n 3 4 5)", "b 60 6 ns.b. h.b. 1 2 3 4 5", id="brackets"),
        pytest.param("a 60 TYPE1234 \\# 2 abcd", "a 60 1234 \\# 2 abcd", id="unknown-type"),
        pytest.param("\n\na 60 A 1.2.3.4 ; text", "a 60 1 1.2.3.4", id="empty-lines-and-comment"),
        pytest.param("a 60 A 1.1.1.1\nb 60 A 2.2.2.2", "a 60 1 1.1.1.1", id="the-first-of-several"),
    ],
)
def test_a_record(text: str, record: str) -> None:
    found = read_record(text)
    assert f"{found.owner} {found.ttl} {found.type} {rdata.text(found)}" == record


@pytest.mark.parametrize(
    "text",
    ["", "a", "a 60", "a 60 IN", "a 60 A", "a 60 A nonsense", "a 60 A 1.1.1.1 x", "a 60 CH TXT x", "a 60 QQ x",
     "a 99999999999 A 1.1.1.1", "a..b A 1.1.1.1", "$INCLUDE /etc/hostname", '"a" A 1.1.1.1', 'a TXT "x'],
)  # fmt: skip
def test_no_record(text: str) -> None:
    with pytest.raises(ValueError, match="not a record"):
        read_record(text)


@given(st.text(max_size=60))
def test_any_text_is_a_record_or_none(text: str) -> None:
    try:
        record = read_record(text)
    except ValueError:
        return
    assert 0 <= record.ttl < 2**31


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("Web.Example.org", "web.example.org.", id="plain"),
        pytest.param(".", ".", id="root"),
        pytest.param(r"*.a\047b", "*.a/b.", id="odd-but-plain"),
        pytest.param(r"a\.b.c\;\034", r"a\.b.c\;\".", id="escaped-by-a-backslash"),
        pytest.param(r"a\000\255", r"a\000\255.", id="escaped-by-number"),
    ],
)
def test_names_as_zone_files_have_them(name: str, text: str) -> None:
    assert master_text(from_text(name)) == text
    assert from_text(text) == from_text(name)


def test_options_for_upstreams_are_in_the_question() -> None:
    name = from_text("a.test")
    wire = encode_query(Query(name, 1, name, upstream_options=((3, b""), (65001, b"x"))), 7, 1232)
    edns = decode_query(wire, Transport.UDP).edns
    assert edns is not None
    assert edns.options == ((3, b""), (65001, b"x"))
