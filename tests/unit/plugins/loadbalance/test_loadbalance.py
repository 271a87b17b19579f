from __future__ import annotations

import asyncio

import pytest

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.rotate import MAX_VARIANTS, variants
from dnspolicy.model.answer import Answer, Drop, Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.loadbalance import Config, Loadbalance

NAME = from_text("web.example.org")


def record(text: str) -> Record:
    """`A1` is an A record with data 1, and so on."""
    kind = text.rstrip("0123456789")
    return Record(NAME, int(Type[kind]), 5, text.removeprefix(kind).encode())


def answer(texts: str, rcode: Rcode = Rcode.NOERROR) -> Answer:
    return Answer(rcode, answer=tuple(map(record, texts.split())))


def orders(texts: str) -> list[str]:
    return [
        " ".join(f"{Type(r.type).name}{r.rdata.decode()}" for r in turned.answer) for turned in variants(answer(texts))
    ]


def through_room(reply: Reply) -> Reply:
    async def ask_next(query: Query, ctx: QueryContext) -> Reply:
        return reply

    async def resolve(query: Query, ctx: QueryContext) -> Reply:
        raise AssertionError("loadbalance resolves nothing")

    ctx = QueryContext("192.0.2.1", 1, 0.0, 5.0, resolve)
    return asyncio.run(Loadbalance(Config()).handle(Query(NAME, int(Type.A), NAME), ctx, ask_next))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param("", [""], id="nothing"),
        pytest.param("A1", ["A1"], id="one"),
        pytest.param("A1 A2", ["A1 A2", "A2 A1"], id="two"),
        pytest.param("A1 A2 A3", ["A1 A2 A3", "A2 A3 A1", "A3 A1 A2"], id="three"),
        pytest.param("CNAME1 CNAME2 A1 A2", ["CNAME1 CNAME2 A1 A2", "CNAME1 CNAME2 A2 A1"], id="aliases stay first"),
        pytest.param("A1 CNAME1 TXT1 A2", ["CNAME1 TXT1 A1 A2", "CNAME1 TXT1 A2 A1"], id="addresses after all else"),
        pytest.param("AAAA1 AAAA2", ["AAAA1 AAAA2", "AAAA2 AAAA1"], id="IPv6"),
        pytest.param("MX1 MX2", ["MX1 MX2", "MX2 MX1"], id="MX"),
        pytest.param("A1 MX1 MX2", ["A1 MX1 MX2", "A1 MX2 MX1"], id="each kind by itself"),
        pytest.param("TXT1 TXT2", ["TXT1 TXT2"], id="other types stay"),
    ],
)
def test_variants(texts: str, expected: list[str]) -> None:
    assert orders(texts) == expected


def test_many_records_have_few_variants_spread_evenly() -> None:
    texts = " ".join(f"A{n}" for n in range(16))
    found = orders(texts)
    assert len(found) == MAX_VARIANTS
    assert [order.split()[0] for order in found] == [f"A{n}" for n in range(0, 16, 2)]
    assert all(sorted(order.split()) == sorted(texts.split()) for order in found)


@pytest.mark.parametrize(
    ("reply", "rotates"),
    [
        pytest.param(answer("A1 A2"), True, id="two addresses"),
        pytest.param(answer("CNAME1 A1 A2"), True, id="behind an alias"),
        pytest.param(answer("MX1 MX2"), True, id="MX"),
        pytest.param(answer("A1"), False, id="one address"),
        pytest.param(answer("CNAME1 A1"), False, id="alias and one address"),
        pytest.param(answer("TXT1 TXT2"), False, id="other types"),
        pytest.param(answer("A1 A2", Rcode.SERVFAIL), False, id="failure"),
        pytest.param(answer(""), False, id="no records"),
    ],
)
def test_answers_are_marked(reply: Answer, rotates: bool) -> None:
    assert through_room(reply) == reply.changed(rotate=rotates)


def test_drops_pass() -> None:
    assert through_room(Drop("x")) == Drop("x")
