"""The room: localhost and the reverse zones that never leave a machine (RFC 6761 6.3, RFC 6303)."""

from __future__ import annotations

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.chain.plugin import NO_FACTS, AskNext
from dnspolicy.model.answer import STABLE, Answer, Reply
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Class, Rcode, Record, Type
from dnspolicy.plugins.local.config import Config, Switch
from dnspolicy.wire.rdata import soa

TTL = 604800
_HOST = b"localhost"
_LOCALHOST = from_text("localhost")
_ZONES = (_LOCALHOST, *(from_text(f"{number}.in-addr.arpa") for number in (0, 127, 255)))
_LOOPBACK = from_text("1.0.0.127.in-addr.arpa")
_ENDS = frozenset((b"localhost", b"arpa"))
_ADDRESSES = {int(Type.A): bytes((127, 0, 0, 1)), int(Type.AAAA): bytes(15) + b"\x01"}
_SOA = soa(_LOCALHOST, from_text("root.localhost"), 1, 0, 0, 0, TTL)


class Local:
    """Answers for the loopback addresses, and that nothing else is in their zones.

    As an observer it counts the names it answered beside `localhost` itself, also when they come from memory.
    """

    name = "local"
    reads = NO_FACTS
    every = False

    def __init__(self, config: Config, *, metrics: Metrics) -> None:
        self._prefix = config.localhost_prefix is Switch.ON
        self._count = metrics.counter(
            "coredns_local_localhost_requests_total", "Requests for names below localhost, or that begin with it."
        )

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        labels = query.name.labels
        if not labels or (labels[-1] not in _ENDS and labels[0] != _HOST) or query.qclass != Class.IN:
            return await ask_next(query, ctx)
        if self._is_special(query.name):
            return _address(query)
        zone = next((zone for zone in _ZONES if query.name.under(zone)), None)
        if zone is None:
            return await ask_next(query, ctx)
        return _in_zone(query, zone)

    def seen(self, outcome: Outcome) -> None:
        if outcome.reply.made_by == self.name and self._is_special(outcome.query.name):
            self._count.inc()

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        if outcome.reply.made_by == self.name and self._is_special(outcome.query.name):
            self._count.inc((), count)

    def _is_special(self, name: Name) -> bool:
        labels = name.labels
        return len(labels) > 1 and (labels[-1] == _HOST or (self._prefix and labels[0] == _HOST))


def _address(query: Query) -> Answer:
    """The loopback address of the type asked for, if there is one."""
    rdata = _ADDRESSES.get(query.qtype)
    if rdata is None:
        return _answer(authority=_soa(query.name))
    return _answer(Record(query.name, query.qtype, TTL, rdata))


def _in_zone(query: Query, zone: Name) -> Answer:
    name, qtype = query.name, query.qtype
    if name == zone:
        if qtype == Type.SOA:
            return _answer(_soa(name))
        if qtype == Type.NS:
            return _answer(Record(name, qtype, TTL, _LOCALHOST.wire))
        return _address(query) if zone == _LOCALHOST else _answer(authority=_soa(name))
    apex = _soa(name.tail(len(zone.labels)))
    if name != _LOOPBACK:
        return _answer(authority=apex, rcode=Rcode.NXDOMAIN)
    if qtype == Type.PTR:
        return _answer(Record(name, qtype, TTL, _LOCALHOST.wire))
    return _answer(authority=apex)


def _soa(owner: Name) -> Record:
    return Record(owner, int(Type.SOA), TTL, _SOA)


def _answer(*records: Record, authority: Record | None = None, rcode: Rcode = Rcode.NOERROR) -> Answer:
    below = () if authority is None else (authority,)
    return Answer(int(rcode), records, below, made_by=Local.name, fresh=STABLE)
