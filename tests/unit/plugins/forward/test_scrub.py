"""Only what is on the chain of the question is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.model.answer import Answer
from dnspolicy.model.errors import WireError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Record, Type
from dnspolicy.plugins.forward.scrub import LONGEST_CHAIN, scrub
from dnspolicy.testing.upstream import record
from dnspolicy.wire.encode import encode_answer
from dnspolicy.wire.message import Response, decode_response
from dnspolicy.wire.rdata import name_in

WWW = from_text("www.lab.test")
GOOD = record("www.lab.test", "A", "198.51.100.10")
EVIL = record("bank.test", "A", "203.0.113.66")
SOA = record("lab.test", "SOA", "ns.lab.test host.lab.test 1 2 3 4 20")


def response(answer: list[Record], authority: list[Record] = []) -> Response:  # noqa: B006 never changed
    return Response(
        1, True, 0, False, False, True, False, 0, (WWW, 1, 1), tuple(answer), tuple(authority), (EVIL,)
    )  # fmt: skip


def rrsig(owner: str, covers: Type, signer: str) -> Record:
    return Record(
        from_text(owner), int(Type.RRSIG), 60, int(covers).to_bytes(2, "big") + bytes(16) + from_text(signer).wire
    )


def nsec(owner: str) -> Record:
    return Record(from_text(owner), int(Type.NSEC), 60, b"\0")


SIGNED = rrsig("www.lab.test", Type.A, "lab.test")
ALIAS = record("www.lab.test", "CNAME", "a.other.test")
TARGET = record("a.other.test", "A", "198.51.100.11")
SELF = record("www.lab.test", "CNAME", "www.lab.test")
DNAME = record("lab.test", "DNAME", "other.test")
MADE = record("www.lab.test", "CNAME", "www.other.test")
END = record("www.other.test", "A", "198.51.100.12")


@pytest.mark.parametrize(
    ("answer", "want"),
    [
        pytest.param([GOOD], [GOOD], id="the plain case"),
        pytest.param([], [], id="nothing"),
        pytest.param([EVIL], [], id="only another name"),
        pytest.param([EVIL, GOOD], [GOOD], id="another name first"),
        pytest.param([GOOD, EVIL], [GOOD], id="another name last"),
        pytest.param([GOOD, record("www.lab.test", "TXT", "x")], [GOOD], id="another type at the name"),
        pytest.param([record("sub.www.lab.test", "A", "203.0.113.66"), GOOD], [GOOD], id="a child of the name"),
        pytest.param([ALIAS, TARGET], [ALIAS, TARGET], id="alias and target"),
        pytest.param([TARGET, ALIAS], [ALIAS, TARGET], id="out of order is put in order"),
        pytest.param([ALIAS], [ALIAS], id="alias without its target"),
        pytest.param([ALIAS, GOOD], [ALIAS], id="data beside an alias"),
        pytest.param([ALIAS, record("www.lab.test", "CNAME", "bank.test"), EVIL], [ALIAS], id="a second alias"),
        pytest.param([ALIAS, TARGET, EVIL], [ALIAS, TARGET], id="more than the chain"),
        pytest.param([SELF], [SELF], id="loop"),
        pytest.param([DNAME, MADE, END], [DNAME, MADE, END], id="DNAME"),
        pytest.param([DNAME, END], [DNAME, Record(WWW, 5, 300, MADE.rdata), END], id="the alias of a DNAME is added"),
        pytest.param([DNAME, ALIAS, TARGET], [DNAME, ALIAS], id="an alias the DNAME does not make leads nowhere"),
        pytest.param([GOOD, SIGNED], [GOOD], id="signatures nobody asked for"),
    ],
)  # fmt: skip
def test_answer(answer: list[Record], want: list[Record]) -> None:
    assert list(scrub(WWW, 1, response(answer), False)[0]) == want


def test_letters_are_those_of_the_question() -> None:
    asked = from_text("wWw.LAB.test")
    kept, _ = scrub(asked, 1, response([GOOD, GOOD]), False)
    assert {r.owner.wire for r in kept} == {asked.wire}
    kept, _ = scrub(asked, 1, response([GOOD]), False)
    assert [r.owner.wire for r in kept] == [asked.wire]


@pytest.mark.parametrize(
    ("authority", "want"),
    [
        pytest.param([SOA], [SOA], id="SOA of the zone"),
        pytest.param([record(".", "NS", "a.root.test")], [record(".", "NS", "a.root.test")], id="NS of the root"),
        pytest.param([record("bank.test", "SOA", "a.test b.test 1 2 3 4 5")], [], id="SOA of another zone"),
        pytest.param([record("bank.test", "NS", "ns.evil.test")], [], id="delegation of another zone"),
        pytest.param([record("sub.www.lab.test", "NS", "ns.evil.test")], [], id="delegation below"),
        pytest.param([EVIL, SOA], [SOA], id="an address"),
        pytest.param([SOA, nsec("a.lab.test")], [SOA], id="proofs nobody asked for"),
    ],
)
def test_authority(authority: list[Record], want: list[Record]) -> None:
    assert list(scrub(WWW, 1, response([], authority), False)[1]) == want


def test_the_zone_of_the_last_alias_counts_too() -> None:
    soa = record("other.test", "SOA", "ns.other.test host.other.test 1 2 3 4 20")
    assert scrub(WWW, 1, response([ALIAS], [soa]), False) == ((ALIAS,), (soa,))


def test_proofs_are_kept_for_those_who_ask() -> None:
    proof, foreign = nsec("a.lab.test"), nsec("a.bank.test")
    kept, around = scrub(
        WWW, 1, response([GOOD, SIGNED, rrsig("www.lab.test", Type.TXT, "lab.test")], [proof, foreign]), True
    )
    assert kept == (GOOD, SIGNED)
    assert around == (proof,)  # its zone is known from the signature
    assert scrub(WWW, 1, response([], [SOA, proof, foreign]), True) == ((), (SOA, proof))


def test_a_chain_ends() -> None:
    links = [record(f"n{i}.test", "CNAME", f"n{i + 1}.test") for i in range(100)]
    kept, _ = scrub(from_text("n0.test"), 1, response(links), False)
    assert list(kept) == links[:LONGEST_CHAIN]


NAMES = st.sampled_from(["www.lab.test", "a.lab.test", "lab.test", "b.test", "x.b.test", "."])
RECORDS = st.one_of(
    st.builds(record, NAMES, st.sampled_from(["CNAME", "DNAME", "NS"]), NAMES),
    st.builds(record, NAMES, st.just("A"), st.just("203.0.113.66")),
)


@given(st.lists(RECORDS, max_size=12))
def test_whatever_comes_the_kept_records_form_one_chain(answer: list[Record]) -> None:
    kept, _ = scrub(WWW, 1, response(answer), False)
    names = {WWW}
    for found in kept:
        assert found.owner in names or found.type == Type.DNAME
        if found.type == Type.CNAME:
            names.add(from_text(_target(found)))
    assert sum(r.type == Type.CNAME for r in kept) <= LONGEST_CHAIN


WHOLE = encode_answer(
    Query(WWW, 1, WWW), Answer(answer=(DNAME, MADE, END, SIGNED), authority=(SOA, nsec("a.lab.test"))), 4096
)


@given(st.lists(st.tuples(st.integers(12, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_messages_are_refused_or_scrubbed_but_never_break(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(WHOLE)
    for at, byte in changes:
        damaged[at] = byte
    try:
        found = decode_response(bytes(damaged))
    except WireError:
        return
    kept, around = scrub(WWW, 1, found, True)
    assert len(kept) <= len(found.answer) + LONGEST_CHAIN
    assert set(around) <= set(found.authority)


def _target(found: Record) -> str:
    name = name_in(found)
    assert name is not None
    return str(name)
