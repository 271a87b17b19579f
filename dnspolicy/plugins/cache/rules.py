"""Which answers are kept, as what, and for how long (RFC 2308, RFC 9520). Pure."""

from __future__ import annotations

from enum import Enum

from dnspolicy.model.answer import Answer, Rests
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.cache.config import Kind
from dnspolicy.wire.rdata import soa_minimum

OUTSIDE = "forward"
"""The room whose answers are facts from outside: their records alone say how long they hold."""
_NEVER = frozenset({int(Type.AXFR), int(Type.IXFR), int(Type.OPT), int(Type.TSIG)})
FAILURE_OF_OURS = 1.0
"""Seconds for which it is remembered that no upstream answered (RFC 9520 3.2: at least one)."""


class Sort(Enum):
    """What an answer is to a cache."""

    SUCCESS = Kind.SUCCESS
    DENIAL = Kind.DENIAL
    FAILURE = "failure"
    OTHER = "other"


def sort(query: Query, answer: Answer) -> Sort:
    """Whether it says that there is something, that there is nothing, that it could not be found out, or other."""
    if answer.tc or query.qtype in _NEVER:
        return Sort.OTHER
    if answer.rcode == Rcode.NXDOMAIN or (answer.rcode == Rcode.NOERROR and not answer.answer):
        return Sort.DENIAL if any(r.type == Type.SOA for r in answer.authority) else Sort.OTHER
    if answer.rcode == Rcode.NOERROR:
        return Sort.SUCCESS
    return Sort.FAILURE if answer.rcode == Rcode.SERVFAIL and answer.made_by == OUTSIDE else Sort.OTHER


def is_fact(answer: Answer) -> bool:
    """Whether every client may have this answer again.

    An answer that rests on a policy or says that it is private belongs to the client it was made for. One that says
    that it is not to be used again is believed, unless it came from outside, where nothing else than TTLs is said
    about time.
    """
    if answer.private:
        return False
    fresh = answer.fresh
    if fresh.rests and any(kind is Rests.POLICY for kind, _ in fresh.rests):
        return False
    return fresh.ttl is None or fresh.ttl > 0 or answer.made_by == OUTSIDE


def own_ttl(query: Query, answer: Answer) -> int | None:
    """The smallest TTL (seconds) in the answer, for a denial also the SOA's MINIMUM; None without records."""
    least: int | None = None
    for section in (answer.answer, answer.authority, answer.additional):
        for record in section:
            if least is None or record.ttl < least:
                least = record.ttl
    if least is not None and answer.authority and _denies(query, answer):
        for record in answer.authority:
            if record.type == Type.SOA:
                least = min(least, soa_minimum(record))
    return least


def _denies(query: Query, answer: Answer) -> bool:
    return answer.rcode == Rcode.NXDOMAIN or not any(
        r.type == query.qtype or query.qtype == Type.ANY for r in answer.answer
    )
