"""The room: TXT records of class CH about this server (RFC 4892)."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import NO_FACTS, AskNext
from dnspolicy.model.answer import STABLE, Answer, Reply
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Class, Rcode, Record, Type
from dnspolicy.plugins.chaos.config import Config

MAX_TEXT = 255
"""Bytes of one text in a TXT record."""


class Chaos:
    """Answers every question of class CH, so that none reaches rooms that know class IN only."""

    name = "chaos"
    reads = NO_FACTS

    def __init__(self, config: Config) -> None:
        version, host = _texts([config.version]), _texts([socket.gethostname() or "localhost"])
        self._known: dict[Name, tuple[bytes, ...]] = {
            from_text("version.bind"): version,
            from_text("version.server"): version,
            from_text("hostname.bind"): host,
            from_text("id.server"): host,
            from_text("authors.bind"): _texts(sorted(set(config.authors))),
        }

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        if query.qclass != Class.CH:
            return await ask_next(query, ctx)
        texts = self._known.get(query.name)
        if texts is None or query.qtype != Type.TXT:
            return Answer(int(Rcode.REFUSED), made_by=self.name, fresh=STABLE)
        records = tuple(Record(query.name, int(Type.TXT), 0, text) for text in texts)
        return Answer(answer=records, made_by=self.name, fresh=STABLE)


def _texts(words: Iterable[str]) -> tuple[bytes, ...]:
    """TXT data of one text each."""
    cut = (word.encode()[:MAX_TEXT] for word in words)
    return tuple(bytes((len(text),)) + text for text in cut)
