"""One query through one room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import Plugin
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Record, Type
from dnspolicy.wire.rdata import text

Below = Callable[[Query], Reply]


def query(name: str, qtype: str | int = "A", **fields: object) -> Query:
    asked = from_text(name)
    number = qtype if isinstance(qtype, int) else int(Type[qtype])
    return Query(asked, number, asked, **fields)


def record(owner: str | Name, qtype: str, rdata: bytes = b"\xc0\x00\x02\x01", ttl: int = 60) -> Record:
    return Record(from_text(owner) if isinstance(owner, str) else owner, int(Type[qtype]), ttl, rdata)


def through(room: Plugin, asked: Query, below: Reply | Below, source: str = "192.0.2.1") -> tuple[Reply, list[Query]]:
    """The reply, and what the rooms below were asked. `below` is what they say."""
    seen: list[Query] = []

    async def ask_next(passed: Query, ctx: QueryContext) -> Reply:
        seen.append(passed)
        return below(passed) if callable(below) else below

    async def resolve(passed: Query, ctx: QueryContext) -> Reply:
        raise AssertionError("nothing is resolved anew")

    ctx = QueryContext(source, 4053, 0.0, 5.0, resolve)
    return asyncio.run(room.handle(asked, ctx, ask_next)), seen


def shown(records: tuple[Record, ...]) -> list[str]:
    """`OWNER TTL TYPE DATA` of each record."""
    return [f"{r.owner}. {r.ttl} {Type(r.type).name} {text(r)}" for r in records]


def answered(reply: Reply) -> Answer:
    assert isinstance(reply, Answer)
    return reply
