"""The codec against an independent one, and against anything at all."""

from __future__ import annotations

import contextlib

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnspolicy.model.answer import Answer, ExtendedError
from dnspolicy.model.errors import BadName, WireError
from dnspolicy.model.name import Name, from_labels, from_text
from dnspolicy.model.query import Edns, Query, Transport
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.wire import rdata
from dnspolicy.wire.accept import Acceptance, accept
from dnspolicy.wire.encode import encode_answer, encode_error, reply_limit
from dnspolicy.wire.message import decode_query, decode_response, encode_query
from dnspolicy.wire.stamps import age, renumber, stamps

LABEL = st.binary(min_size=1, max_size=63)
NAMES = st.lists(LABEL, max_size=4).filter(lambda ls: sum(len(x) + 1 for x in ls) < 255).map(from_labels)
ZONE = from_text("cluster.local")


def records(draw_owner: st.SearchStrategy[Name]) -> st.SearchStrategy[Record]:
    ttl = st.integers(0, 2**31 - 1)
    plain = st.builds(Record, draw_owner, st.sampled_from([1]), ttl, st.binary(min_size=4, max_size=4))
    alias = st.builds(lambda o, t, n, k: Record(o, k, t, n.wire), draw_owner, ttl, NAMES, st.sampled_from([2, 5, 12]))
    mail = st.builds(lambda o, t, n: Record(o, 15, t, b"\0\7" + n.wire), draw_owner, ttl, NAMES)
    srv = st.builds(lambda o, t, n: Record(o, 33, t, rdata.srv(1, 2, 3, n)), draw_owner, ttl, NAMES)
    soa = st.builds(lambda o, t, n: Record(o, 6, t, rdata.soa(n, o, 7, 1, 2, 3, 4)), draw_owner, ttl, NAMES)
    return st.one_of(plain, alias, mail, srv, soa)


QUERIES = st.builds(
    lambda name, qtype, edns, qid: Query(name, qtype, name, id=qid, edns=edns),
    NAMES,
    st.integers(1, 65535).filter(lambda t: t != 41),
    st.none() | st.builds(Edns, st.integers(0, 65535), st.booleans()),
    st.integers(0, 65535),
)
ANSWERS = st.builds(
    Answer,
    st.sampled_from([0, 2, 3, 5]),
    st.lists(records(NAMES), max_size=5).map(tuple),
    st.lists(records(NAMES), max_size=2).map(tuple),
    st.lists(records(NAMES), max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
    ede=st.lists(st.builds(ExtendedError, st.integers(0, 30), st.text(max_size=20)), max_size=2).map(tuple),
)


@given(QUERIES, ANSWERS)
def test_what_is_written_is_read_back(query: Query, answer: Answer) -> None:
    got = decode_response(encode_answer(query, answer, 65535))
    assert (got.id, got.qr, got.rcode, got.aa, got.ra, got.tc) == (
        query.id,
        True,
        answer.rcode,
        answer.aa,
        answer.ra,
        False,
    )
    assert got.question is not None
    assert got.question[0].wire == query.asked.wire
    for want, have in (
        (answer.answer, got.answer),
        (answer.authority, got.authority),
        (answer.additional, got.additional),
    ):
        assert [(r.owner.wire, r.type, r.ttl, r.rdata) for r in want] == [
            (r.owner.wire, r.type, r.ttl, r.rdata) for r in have
        ]
    assert got.ede == (answer.ede if query.edns is not None else ())


@given(QUERIES, ANSWERS)
def test_another_codec_reads_the_same(query: Query, answer: Answer) -> None:
    message = dns.message.from_wire(encode_answer(query, answer, 65535), one_rr_per_rrset=True)
    assert message.question[0].name.labels[:-1] == _labels(query.asked)
    assert [r.ttl for r in message.answer] == [r.ttl for r in answer.answer]
    assert [r[0].to_wire() for r in message.answer] == [r.rdata for r in answer.answer]


@given(QUERIES, ANSWERS, st.integers(512, 1400))
def test_a_reply_never_exceeds_its_limit(query: Query, answer: Answer, limit: int) -> None:
    if query.edns is not None and len(query.asked.wire) > 150:
        return  # a long question and a long extended error may need the whole minimum
    whole = encode_answer(query, answer, 65535)
    cut = encode_answer(query, answer, limit)
    got = decode_response(cut)
    assert len(cut) <= limit
    assert got.question is not None
    if len(whole) > limit and len(got.answer) < len(answer.answer):
        assert got.tc
    assert [r.rdata for r in got.answer] == [r.rdata for r in answer.answer[: len(got.answer)]]


@given(QUERIES)
def test_a_query_to_an_upstream_carries_only_the_question(query: Query) -> None:
    message = dns.message.from_wire(encode_query(query, 4711, 1232))
    assert message.id == 4711
    assert message.payload == 1232
    assert not message.options
    assert message.question[0].name.labels[:-1] == _labels(query.name)


@settings(max_examples=500)
@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(wire: bytes) -> None:
    if accept(wire) is not Acceptance.READ:
        return
    try:
        decode_query(wire, Transport.UDP)
    except WireError:
        assert dns.message.from_wire(encode_error(wire, Rcode.FORMERR)).rcode() == dns.rcode.FORMERR


@settings(max_examples=300)
@given(QUERIES, ANSWERS, st.data())
def test_a_damaged_response_is_read_or_refused(query: Query, answer: Answer, data: st.DataObject) -> None:
    wire = bytearray(encode_answer(query, answer, 65535))
    for _ in range(data.draw(st.integers(1, 6))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    try:
        got = decode_response(bytes(wire))
    except WireError:
        return
    for record in got.answer + got.authority + got.additional:
        assert rdata.text(record)
        rdata.addresses_in(record)
        rdata.name_in(record)


def test_addresses_point_at_the_srv_targets_they_belong_to() -> None:
    """A target stands there whole (RFC 2782 does not let it be compressed), so nobody has to repeat it."""
    asked, targets = from_text("_http._tcp.web.test"), [from_text(f"long-name-number-{n}.web.test") for n in range(3)]
    found = Answer(
        answer=tuple(Record(asked, Type.SRV, 5, rdata.srv(0, 1, 80, target)) for target in targets),
        additional=tuple(Record(target, Type.A, 5, bytes(4)) for target in targets),
    )
    wire = encode_answer(Query(asked, Type.SRV, asked), found, 65_535)
    reply = dns.message.from_wire(wire, one_rr_per_rrset=True)
    assert [str(rrset.name) for rrset in reply.additional] == [f"{target}." for target in targets]
    assert [wire.count(target.wire) for target in targets] == [1, 1, 1]
    assert len(wire) == 12 + 25 + sum(12 + 6 + len(target.wire) for target in targets) + 3 * 16


LOOPS = {
    "points at itself": b"\0\1\x81\x80\0\1\0\1\0\0\0\0\0\0\1\0\1\xc0\x11" + b"\0\1\0\1\0\0\0\0\0\0",
    "points forward": b"\0\1\x81\x80\0\1\0\1\0\0\0\0\0\0\1\0\1\xc0\x20" + b"\0\1\0\1\0\0\0\0\0\0" + b"\1a\0" * 9,
    "two point at each other": b"\0\1\x81\x80\0\1\0\2\0\0\0\0\0\0\1\0\1\1a\xc0\x14" + b"\xc0\x11" * 8,
    "runs past the end": b"\0\1\x81\x80\0\1\0\1\0\0\0\0\0\0\1\0\1\x3fabc",
    "unknown label type": b"\0\1\x81\x80\0\1\0\1\0\0\0\0\0\0\1\0\1\x80abc\0\0\1\0\1\0\0\0\0\0\0",
}


@pytest.mark.parametrize("wire", LOOPS.values(), ids=LOOPS.keys())
def test_compression_tricks_are_refused(wire: bytes) -> None:
    with pytest.raises(WireError):
        decode_response(wire)


def _query(**change: object) -> bytes:
    made = dns.message.make_query("web.shop.svc.cluster.local", "A", use_edns=change.pop("edns", -1))
    wire = bytearray(made.to_wire())
    for at, value in change.items():
        wire[int(at[1:])] = value  # type: ignore[call-overload]
    return bytes(wire)


ACCEPTED = {
    "query": (_query(), Acceptance.READ),
    "query with edns": (_query(edns=0), Acceptance.READ),
    "reply": (_query(b2=0x81), Acceptance.IGNORE),
    "eleven bytes": (_query()[:11], Acceptance.IGNORE),
    "empty": (b"", Acceptance.IGNORE),
    "no question": (_query(b5=0), Acceptance.FORMERR),
    "two questions": (_query(b5=2), Acceptance.FORMERR),
    "257 questions": (_query(b4=1), Acceptance.FORMERR),
    "update": (_query(b2=0x28), Acceptance.NOTIMP),
    "notify": (_query(b2=0x20), Acceptance.NOTIFY),
    "notify without question": (_query(b2=0x20, b5=0), Acceptance.FORMERR),
    "two answers": (_query(b7=2), Acceptance.FORMERR),
    "three additional": (_query(b11=3), Acceptance.FORMERR),
}


@pytest.mark.parametrize(("wire", "want"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_the_header_decides(wire: bytes, want: Acceptance) -> None:
    assert accept(wire) is want


OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
REFUSED = {
    "two OPT": _query(b11=2) + OPT + OPT,
    "OPT with an owner": _query(b11=1) + b"\1a" + OPT,
    "OPT in the answer section": _query(b7=1) + OPT,
    "option runs past the end": _query(b11=1) + OPT[:-1] + b"\x04\0\x0a\0\xff",
    "bytes after the message": _query() + b"x",
    "question cut": _query()[:-1],
    "pointer in the question": b"\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1",
    "announces a record that is not there": _query(b11=1),
}


@pytest.mark.parametrize("wire", REFUSED.values(), ids=REFUSED.keys())
def test_malformed_queries_are_refused(wire: bytes) -> None:
    with pytest.raises(WireError):
        decode_query(wire, Transport.UDP)


@pytest.mark.parametrize(
    ("edns", "transport", "want"),
    [
        pytest.param(None, Transport.UDP, 512, id="no edns"),
        pytest.param(100, Transport.UDP, 512, id="less than the minimum"),
        pytest.param(900, Transport.UDP, 900, id="what the client takes"),
        pytest.param(4096, Transport.UDP, 1232, id="no more than ours"),
        pytest.param(None, Transport.TCP, 65535, id="tcp"),
    ],
)
def test_how_long_a_reply_may_be(edns: int | None, transport: Transport, want: int) -> None:
    query = Query(ZONE, 1, ZONE, edns=Edns(edns) if edns is not None else None, transport=transport)
    assert reply_limit(query, 1232) == want


def test_edns_version_and_do_are_read() -> None:
    wire = dns.message.make_query("a.example", "A", use_edns=3, payload=700, want_dnssec=True).to_wire()
    assert decode_query(wire, Transport.UDP).edns == Edns(700, True, 3)


@pytest.mark.parametrize("size", [0, 512, 1232, 65_535])
@pytest.mark.parametrize("ede", [(), (ExtendedError(15, "blocked"),)], ids=["plain", "with an error"])
def test_the_opt_repeats_the_size_of_the_client(size: int, ede: tuple[ExtendedError, ...]) -> None:
    query = Query(ZONE, Type.A, ZONE, edns=Edns(size))
    reply = dns.message.from_wire(encode_answer(query, Answer(ede=ede), 1232))
    assert (reply.edns, reply.payload) == (0, size)


def test_badvers_is_said_in_the_opt() -> None:
    query = Query(ZONE, 1, ZONE, edns=Edns(1232, version=1))
    message = dns.message.from_wire(encode_answer(query, Answer(Rcode.BADVERS), 512))
    assert (message.rcode(), message.edns) == (dns.rcode.BADVERS, 0)


@given(QUERIES, ANSWERS, st.integers(0, 5000))
def test_aging_takes_seconds_from_every_ttl(query: Query, answer: Answer, seconds: int) -> None:
    wire = encode_answer(query, answer, 65535)
    older = decode_response(age(wire, stamps(wire).ttls, seconds))
    have = [r.ttl for r in older.answer + older.authority + older.additional]
    assert have == [max(0, r.ttl - seconds) for r in answer.answer + answer.authority + answer.additional]


def test_a_new_serial_is_stamped_where_the_old_one_stood() -> None:
    soas = tuple(Record(ZONE, 6, 5, rdata.soa(ZONE, ZONE, serial, 1, 2, 3, 4)) for serial in (7, 8))
    wire = encode_answer(Query(ZONE, 6, ZONE), Answer(answer=soas), 512)
    got = decode_response(renumber(wire, stamps(wire).serials, 7, 99))
    assert [int.from_bytes(r.rdata[-20:-16], "big") for r in got.answer] == [99, 8]


TEXTS = {
    "a": (Record(ZONE, 1, 5, b"\1\2\3\4"), "1.2.3.4"),
    "aaaa": (Record(ZONE, 28, 5, b"\0" * 15 + b"\1"), "::1"),
    "cname": (Record(ZONE, 5, 5, from_text("A.b").wire), "a.b."),
    "srv": (Record(ZONE, 33, 5, rdata.srv(0, 100, 80, ZONE)), "0 100 80 cluster.local."),
    "unknown type": (Record(ZONE, 65280, 5, b"\1\2"), r"\# 2 0102"),
    "malformed a": (Record(ZONE, 1, 5, b"\1\2"), r"\# 2 0102"),
    "empty": (Record(ZONE, 16, 5, b""), r"\# 0"),
}


@pytest.mark.parametrize(("record", "want"), TEXTS.values(), ids=TEXTS.keys())
def test_record_data_as_text(record: Record, want: str) -> None:
    assert rdata.text(record) == want


def test_hints_of_https_records_are_addresses() -> None:
    text = "1 . alpn=h2 ipv4hint=10.0.0.7,192.0.2.1 ipv6hint=2001:db8::7"
    data = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.HTTPS, text).to_wire()
    assert rdata.addresses_in(Record(ZONE, Type.HTTPS, 5, data)) == ["10.0.0.7", "192.0.2.1", "2001:db8::7"]


@given(NAMES)
def test_names_survive_their_text(name: Name) -> None:
    assert from_text(str(name)) == name


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    with contextlib.suppress(BadName):
        assert from_text(str(from_text(text))) == from_text(text)


@pytest.mark.parametrize(
    ("name", "zone", "want"),
    [
        pytest.param("a.cluster.local", "cluster.local", True, id="below"),
        pytest.param("CLUSTER.local", "cluster.LOCAL", True, id="itself, other letters"),
        pytest.param("acluster.local", "cluster.local", False, id="a longer label"),
        pytest.param(r"evil\007cluster.local", "cluster.local", False, id="a length byte inside a label"),
        pytest.param("a.b", ".", True, id="root holds all"),
    ],
)
def test_zones_hold_names_label_by_label(name: str, zone: str, want: bool) -> None:
    assert from_text(name).under(from_text(zone)) is want


def _labels(name: Name) -> tuple[bytes, ...]:
    found, wire, at = [], name.wire, 0
    while wire[at]:
        found.append(wire[at + 1 : at + 1 + wire[at]])
        at += wire[at] + 1
    return tuple(found)


ADDRESSES = st.lists(
    st.tuples(st.sampled_from([1, 28]), st.integers(0, 2**32 - 1), st.binary(max_size=16)), min_size=1, max_size=3
)


@settings(max_examples=300)
@given(
    NAMES,
    ADDRESSES,
    st.sampled_from([b"", b"\0\0\x29\4\xd0" + bytes(6), b"\0\0\x29\4\xd0\1" + bytes(5), b"\0\0\x29\4\xd0" + bytes(5)]),
    st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=2),
)
def test_knowing_the_name_asked_reads_the_same(
    name: Name, addresses: list[tuple[int, int, bytes]], opt: bytes, damage: list[tuple[int, int]]
) -> None:
    wire = bytearray(b"\x12\x34\x81\x80\0\1\0" + bytes((len(addresses),)) + b"\0\0\0" + bytes((bool(opt),)))
    wire += name.wire + b"\0\1\0\1"
    for rtype, ttl, address in addresses:
        wire += b"\xc0\x0c\0" + bytes((rtype,)) + b"\0\1" + ttl.to_bytes(4, "big") + b"\0" + bytes((len(address),))
        wire += address
    wire += opt
    for place, value in damage:
        wire[place % len(wire)] = value
    assert _read_or_refuse(bytes(wire), name) == _read_or_refuse(bytes(wire), None)


def _read_or_refuse(wire: bytes, asked: Name | None) -> tuple[object, ...] | None:
    """Everything found, owners letter by letter; None when refused."""
    try:
        found = decode_response(wire, asked)
    except WireError:
        return None
    letters = [r.owner.wire for r in found.answer + found.authority + found.additional]
    return found, letters, found.question and found.question[0].wire
