"""The room: AAAA from A (RFC 6147)."""

from __future__ import annotations

from ipaddress import IPv6Network

import msgspec

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.chain.plugin import NO_FACTS, AskNext, ClientFact
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Class, Rcode, Record, Type
from dnspolicy.plugins.dns64.config import Config, parse_prefix

UNKNOWN_TTL = 600
"""Seconds that an address made here lives at most when no SOA says more (RFC 6147 5.1.7)."""
_DECIDED = frozenset(("acl", "policy"))
"""Those whose word about the question stands, also when it is that there is no address."""


class Dns64:
    """For a question for AAAA that gets no address, asks for A, and puts what it finds behind the prefix.

    As an observer it counts what it answered, also from memory; `server` is the label of the server block.
    """

    name = "dns64"
    every = False

    def __init__(self, config: Config, *, metrics: Metrics, server: str) -> None:
        self.reads: frozenset[ClientFact] = NO_FACTS if config.allow_ipv4 else frozenset({("family",)})
        self._prefix = parse_prefix(config.wanted)
        self._all = config.translate_all
        self._ipv4 = config.allow_ipv4
        self._server = server
        self._count = metrics.counter(
            "coredns_dns64_requests_translated_total", "Requests answered with addresses made by dns64.", ("server",)
        )

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        if query.qtype != Type.AAAA or query.qclass != Class.IN or not (self._ipv4 or ":" in ctx.source):
            return await ask_next(query, ctx)
        reply = await ask_next(query, ctx)
        if not isinstance(reply, Answer) or not self._concerns(reply):
            return reply
        found = await ask_next(msgspec.structs.replace(query, qtype=int(Type.A)), ctx)
        if not isinstance(found, Answer):
            return found
        longest = next((r.ttl for r in reversed(reply.authority) if r.type == Type.SOA), UNKNOWN_TTL)
        fresh = found.fresh.within(reply.fresh)
        if fresh.aged_since is not None:  # TTLs that are cut count down from less
            fresh = fresh.capped(longest)
        return found.changed(
            answer=tuple(self._translated(record, longest) for record in found.answer),
            aa=False,
            made_by=self.name,
            fresh=fresh,
            private=found.private or reply.private,
        )

    def seen(self, outcome: Outcome) -> None:
        if outcome.reply.made_by == self.name:
            self._count.inc((self._server,))

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        if outcome.reply.made_by == self.name:
            self._count.inc((self._server,), count)

    def _concerns(self, reply: Answer) -> bool:
        """Whether the answer to AAAA leaves room for another (RFC 6147 5.1.1 to 5.1.4)."""
        if reply.rcode == Rcode.NXDOMAIN or reply.made_by in _DECIDED or reply.tc:
            return False  # what was cut off may be an address
        return self._all or all(record.type != Type.AAAA for record in reply.answer)

    def _translated(self, record: Record, longest: int) -> Record:
        if record.type != Type.A:
            return record
        return Record(record.owner, int(Type.AAAA), min(record.ttl, longest), embedded(self._prefix, record.rdata))


def embedded(prefix: IPv6Network, address: bytes) -> bytes:
    """An IPv4 address behind a prefix; bits 64 to 71 stay zero (RFC 6052 2.2)."""
    size = prefix.prefixlen // 8
    before = prefix.network_address.packed[:size]
    if size > 8:
        return before + address
    high = before + address[: 8 - size]
    return (high + b"\0" + address[8 - size :]).ljust(16, b"\0")
