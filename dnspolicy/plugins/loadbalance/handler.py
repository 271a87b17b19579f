"""The room: marks answers whose records may be served in turn."""

from __future__ import annotations

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import NO_FACTS, AskNext
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.loadbalance.config import Config

_ROTATED = frozenset((int(Type.A), int(Type.AAAA), int(Type.MX)))


class Loadbalance:
    """Sets `rotate` on answers with several A, AAAA or MX records; the server turns them."""

    name = "loadbalance"
    reads = NO_FACTS

    def __init__(self, config: Config) -> None:
        self.policy = config.policy

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        reply = await ask_next(query, ctx)
        if not isinstance(reply, Answer) or len(reply.answer) < 2 or reply.rcode != Rcode.NOERROR:
            return reply
        if reply.rotate or reply.ordered:
            return reply
        if sum(record.type in _ROTATED for record in reply.answer) < 2:
            return reply
        return reply.changed(rotate=True)
