"""The room: good answers without authority and additional."""

from __future__ import annotations

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import NO_FACTS, AskNext
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Type

_NOERROR = int(Rcode.NOERROR)
_TELLING = frozenset((int(Type.SOA), int(Type.NS)))


class Minimal:
    """Empties authority and additional of answers that are neither denials, delegations, errors nor transfers."""

    name = "minimal"
    reads = NO_FACTS

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        reply = await ask_next(query, ctx)
        return self.finish(reply) if isinstance(reply, Answer) and not reply.transfer else reply

    @staticmethod
    def finish(answer: Answer) -> Answer:
        if not (answer.authority or answer.additional) or not _is_good(answer):
            return answer
        return answer.changed(authority=(), additional=())


def _is_good(reply: Answer) -> bool:
    if reply.rcode != _NOERROR:
        return False
    return bool(reply.answer) or not any(record.type in _TELLING for record in reply.authority)
