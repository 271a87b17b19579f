"""From rooms to one function."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from itertools import groupby

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.order import ORDER
from dnspolicy.chain.plugin import AskNext, Concerns, Finish, Finishing, Plugin, Selective
from dnspolicy.model.answer import Answer, EdeCode, ExtendedError, Reply
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode


def in_order(rooms: Sequence[Plugin]) -> tuple[Plugin, ...]:
    """The rooms as `ORDER` has them; several of one name stay in the order they were given."""
    return tuple(sorted(rooms, key=lambda room: ORDER.index(room.name)))


def build(rooms: Sequence[Plugin]) -> AskNext:
    """The chain of `rooms`, first one first. At its end is SERVFAIL: nobody knew (as CoreDNS answers).

    Neighbours that are `Selective`, and neighbours that are `Finishing`, become one step.
    """
    chain: AskNext = _nobody
    for kind, neighbours in groupby(reversed(in_order(rooms)), _kind):
        if kind is Finishing:
            chain = _finished(tuple(_finishes(neighbours)), chain)
        elif kind is Selective:
            chain = _gated(neighbours, chain)
        else:
            for room in neighbours:
                chain = _link(room, chain)
    return chain


def _kind(room: Plugin) -> type:
    if isinstance(room, Finishing) and room.finish is not None:
        return Finishing
    return Selective if isinstance(room, Selective) and room.concerns is not None else Plugin


def _link(room: Plugin, after: AskNext) -> AskNext:
    handle = room.handle

    def ask(query: Query, ctx: QueryContext) -> Awaitable[Reply]:
        return handle(query, ctx, after)

    return ask


def _gated(rooms: Iterator[Plugin], after: AskNext) -> AskNext:
    """Neighbours, last one first: the first that a query concerns gets it, with the rest of them behind it."""
    gates: tuple[tuple[Concerns, AskNext], ...] = ()
    chain = after
    for room in rooms:
        assert isinstance(room, Selective)
        assert room.concerns is not None
        gates = ((room.concerns, _link(room, chain)), *gates)
        chain = _through(gates, after)
    return chain


def _through(gates: tuple[tuple[Concerns, AskNext], ...], after: AskNext) -> AskNext:
    def ask(query: Query, ctx: QueryContext) -> Awaitable[Reply]:
        for concerns, enter in gates:
            if concerns(query):
                return enter(query, ctx)
        return after(query, ctx)

    return ask


def _finishes(rooms: Iterator[Plugin]) -> Iterator[Finish]:
    for room in rooms:
        assert isinstance(room, Finishing)
        assert room.finish is not None
        yield room.finish


def _finished(finishes: Sequence[Finish], after: AskNext) -> AskNext:
    """`after`, and then these, first one first, on every answer that is no zone transfer."""

    async def ask(query: Query, ctx: QueryContext) -> Reply:
        reply = await after(query, ctx)
        if not isinstance(reply, Answer) or reply.transfer:
            return reply
        for finish in finishes:
            reply = finish(reply)
        return reply

    return ask


async def _nobody(query: Query, ctx: QueryContext) -> Reply:
    return Answer(Rcode.SERVFAIL, ede=(ExtendedError(EdeCode.OTHER, "no plugin answers this name"),), made_by="server")
