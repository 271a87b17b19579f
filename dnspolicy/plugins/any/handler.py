"""The room: HINFO for ANY (RFC 8482 4.2)."""

from __future__ import annotations

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import NO_FACTS, AskNext
from dnspolicy.model.answer import STABLE, Answer, Reply
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Record, Type

TTL = 8482
_RDATA = b"\x0dANY obsoleted\x0cSee RFC 8482"


class Any:
    """Answers every question of type ANY by itself."""

    name = "any"
    reads = NO_FACTS

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        if query.qtype != Type.ANY:
            return await ask_next(query, ctx)
        record = Record(query.name, int(Type.HINFO), TTL, _RDATA)
        return Answer(answer=(record,), made_by=self.name, fresh=STABLE)
