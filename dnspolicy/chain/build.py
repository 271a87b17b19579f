"""From rooms to one function."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.order import ORDER
from dnspolicy.chain.plugin import AskNext, Plugin
from dnspolicy.model.answer import Answer, EdeCode, ExtendedError, Reply
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode


def in_order(rooms: Sequence[Plugin]) -> tuple[Plugin, ...]:
    """The rooms as `ORDER` has them; several of one name stay in the order they were given."""
    return tuple(sorted(rooms, key=lambda room: ORDER.index(room.name)))


def build(rooms: Sequence[Plugin]) -> AskNext:
    """The chain of `rooms`, first one first. At its end is SERVFAIL: nobody knew (as CoreDNS answers)."""
    chain: AskNext = _nobody
    for room in reversed(in_order(rooms)):
        chain = _link(room, chain)
    return chain


def _link(room: Plugin, after: AskNext) -> AskNext:
    handle = room.handle

    def ask(query: Query, ctx: QueryContext) -> Awaitable[Reply]:
        return handle(query, ctx, after)

    return ask


async def _nobody(query: Query, ctx: QueryContext) -> Reply:
    return Answer(Rcode.SERVFAIL, ede=(ExtendedError(EdeCode.OTHER, "no plugin answers this name"),), made_by="server")
