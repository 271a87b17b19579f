"""The room: flags of the query that later rooms see, and of the reply."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import NO_FACTS, AskNext
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.query import Query
from dnspolicy.plugins.header.config import Action, Change, Config, Flag


class Header:
    """Gives the query and the reply the flags that the configuration wants.

    Zone transfers keep theirs (RFC 5936 2.2.1). A query has no AA and RA to change. RD of a reply is that of the query,
    as changed here.
    """

    name = "header"
    reads = NO_FACTS

    def __init__(self, config: Config) -> None:
        self._rd = _last(config.query).get(Flag.RD)
        wanted = {} if self._rd is None else {Flag.RD: self._rd}
        self._wanted = tuple((flag.value, state) for flag, state in (wanted | _last(config.response)).items())
        self.finish = self._flagged if self._rd is None else None

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        if self._rd is not None and query.rd is not self._rd:
            query = msgspec.structs.replace(query, rd=self._rd)
        reply = await ask_next(query, ctx)
        return self._flagged(reply) if isinstance(reply, Answer) and not reply.transfer else reply

    def _flagged(self, reply: Answer) -> Answer:
        for flag, state in self._wanted:
            if getattr(reply, flag) is not state:
                return reply.changed(**dict(self._wanted))
        return reply


def _last(changes: Iterable[Change]) -> dict[Flag, bool]:
    return {flag: change.action is Action.SET for change in changes for flag in change.flags}
