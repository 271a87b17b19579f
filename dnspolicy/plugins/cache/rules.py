"""Which answers are kept, as what, and for how long (RFC 2308, RFC 8767, RFC 9520). Pure."""

from __future__ import annotations

from enum import Enum

from dnspolicy.model.answer import Answer, Reply, Rests
from dnspolicy.model.query import Edns, Query
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.cache.config import Kind
from dnspolicy.wire.rdata import name_in, soa_minimum

OUTSIDE = "forward"
"""The room whose answers are facts from outside: their records alone say how long they hold."""
FAILURE_OF_OURS = 1.0
"""Seconds for which it is remembered that no upstream answered (RFC 9520 3.2: at least one)."""
_NEVER = frozenset({int(Type.AXFR), int(Type.IXFR), int(Type.OPT), int(Type.TSIG)})
_FAILURES = frozenset({int(Rcode.SERVFAIL), int(Rcode.NOTIMP)})
_LINKS = 32
"""Aliases that are followed within one answer."""
_HARMLESS = frozenset({3, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15})
"""EDNS options that make no other answer of the same question: NSID, DAU, DHU, N3U, EXPIRE, COOKIE, keepalive, padding,
CHAIN, KEY-TAG, EDE."""


class Sort(Enum):
    """What an answer is to a cache."""

    SUCCESS = Kind.SUCCESS
    DENIAL = Kind.DENIAL
    FAILURE = "failure"
    STRANGE = "strange"
    """It does not speak of the name that was asked."""
    OTHER = "other"


def names_a_client(edns: Edns) -> bool:
    """Whether options of the query say for whom it is, such as a client subnet (RFC 7871): the answer may differ."""
    return any(code not in _HARMLESS for code, _ in edns.options)


def sort(query: Query, answer: Answer) -> Sort:
    """Whether it says that there is something, that there is nothing, that it could not be found out, or other."""
    rcode = answer.rcode
    if answer.tc or answer.transfer or query.qtype in _NEVER:
        return Sort.OTHER
    if rcode == Rcode.NOERROR and answer.answer:
        if answers(query, answer):
            return Sort.SUCCESS
        if _has_soa(answer):
            return Sort.DENIAL
        return Sort.OTHER if any(r.owner == query.name for r in answer.answer) else Sort.STRANGE
    if rcode in (Rcode.NXDOMAIN, Rcode.NOERROR):
        return Sort.DENIAL if _has_soa(answer) else Sort.OTHER
    return Sort.FAILURE if rcode in _FAILURES and answer.made_by == OUTSIDE else Sort.OTHER


def answers(query: Query, answer: Answer) -> bool:
    """Whether it has a record of the type that was asked, at the end of the aliases that begin at the name."""
    records, qtype, at = answer.answer, query.qtype, query.name.labels
    if not records or answer.rcode != Rcode.NOERROR:
        return False
    first = records[0]
    if first.type == qtype and first.owner.labels == at:
        return True
    for _ in range(_LINKS):
        alias = None
        for record in records:
            if record.owner.labels == at:
                if record.type == qtype or qtype == Type.ANY:
                    return True
                if record.type == Type.CNAME:
                    alias = name_in(record)
        if alias is None:
            return False
        at = alias.labels
    return False


def _has_soa(answer: Answer) -> bool:
    return any(record.type == Type.SOA for record in answer.authority)


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


def may_grow_stale(answer: Answer) -> bool:
    """Whether a fact holds for as long as nobody says otherwise, so that it is only its TTL that ends."""
    return answer.rcode not in _FAILURES and (answer.fresh.ttl is None or answer.made_by == OUTSIDE)


def refreshes(query: Query, reply: Reply, prefer_positive: bool) -> Answer | None:
    """The reply if it takes the place of a stale answer (RFC 8767 4): it says that there is something, or nothing."""
    if not isinstance(reply, Answer) or reply.tc:
        return None
    if prefer_positive:
        return reply if answers(query, reply) else None
    return reply if reply.rcode in (Rcode.NOERROR, Rcode.NXDOMAIN) else None


def own_ttl(answer: Answer, kind: Sort) -> int | None:
    """The smallest TTL (seconds) in the answer, for a denial also the SOA's MINIMUM; None without records."""
    least: int | None = None
    for section in (answer.answer, answer.authority, answer.additional):
        for record in section:
            if least is None or record.ttl < least:
                least = record.ttl
    if least is not None and kind is Sort.DENIAL:
        for record in answer.authority:
            if record.type == Type.SOA:
                least = min(least, soa_minimum(record))
    return least
