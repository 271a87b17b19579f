"""From a verdict to an answer. Pure."""

from __future__ import annotations

from dnspolicy.model.answer import Answer, Drop, EdeCode, ExtendedError, Freshness, Reply
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.model.verdict import BlockAs, Origin, Verdict
from dnspolicy.wire import rdata
from dnspolicy.wire.rdata import name_in

MADE_BY = "policy"
REDIRECT_TTL = 30
"""Seconds that addresses and aliases of a redirect live when the decision names no `ttl`."""
BLOCK_TTL = 5
"""Seconds that a block may be remembered by clients when the decision names no `ttl`."""
NOT_READY = Answer(
    Rcode.SERVFAIL, ede=(ExtendedError(EdeCode.NOT_READY, "the cluster is not loaded yet"),), made_by=MADE_BY
)
"""Instead of the block of a cluster name that may rest on what is not loaded yet: nobody should remember it."""
_MNAME = from_text("policy.invalid")
_RNAME = from_text("hostmaster.invalid")


def explanation(verdict: Verdict) -> ExtendedError:
    """The extended error of a block: names the rule and its reason (RFC 8914).

    Of a failure it names the kind alone: what went wrong tells of addresses and policies, which are not for clients.
    """
    if verdict.origin is Origin.FAILURE:
        return ExtendedError(EdeCode.OTHER, verdict.rule)
    if verdict.block_as is BlockAs.SINKHOLE:
        code = EdeCode.FORGED_ANSWER
    else:
        code = EdeCode.BLOCKED
    return ExtendedError(code if verdict.ede is None else verdict.ede, f"{verdict.rule}: {verdict.reason}")


def blocked(query: Query, verdict: Verdict, missing: Answer, fresh: Freshness) -> Reply:
    """The reply of a block. `missing` is how a name that does not exist is answered in its zone."""
    ede = (explanation(verdict),)
    if verdict.origin is Origin.FAILURE:
        return Answer(Rcode.SERVFAIL, ede=ede, made_by=MADE_BY)
    if verdict.block_as is BlockAs.DROP:
        return Drop(f"blocked by {verdict.rule}", MADE_BY)
    if verdict.block_as is BlockAs.REFUSED:
        return Answer(Rcode.REFUSED, ede=ede, made_by=MADE_BY, fresh=fresh)
    found = missing.changed(ede=ede, made_by=MADE_BY, fresh=missing.fresh.within(fresh))
    if verdict.block_as is BlockAs.NXDOMAIN:
        return capped(found, verdict.ttl)
    if verdict.block_as is BlockAs.SINKHOLE:
        records = address_records(query.name, query.qtype, verdict.addresses, verdict.ttl)
        if records:
            return found.changed(rcode=int(Rcode.NOERROR), answer=records, authority=())
    return capped(found.changed(rcode=int(Rcode.NOERROR)), verdict.ttl)


def address_records(owner: Name, qtype: int, addresses: tuple[str, ...], ttl: int | None) -> tuple[Record, ...]:
    """Records of the addresses of the family that was asked for, in their order."""
    seconds = REDIRECT_TTL if ttl is None else ttl
    return tuple(
        Record(owner, qtype, seconds, rdata.address(text)) for text in addresses if rdata.address_type(text) == qtype
    )


def to_addresses(
    query: Query, verdict: Verdict, addresses: tuple[str, ...], missing: Answer, fresh: Freshness
) -> Answer:
    """The asked name with the given addresses; other types get an empty answer."""
    records = address_records(query.name, query.qtype, addresses, verdict.ttl)
    if records:
        return Answer(answer=records, aa=missing.aa, ra=missing.ra, made_by=MADE_BY, fresh=fresh)
    empty = missing.changed(rcode=int(Rcode.NOERROR), made_by=MADE_BY, fresh=missing.fresh.within(fresh))
    return capped(empty, verdict.ttl)


def to_alias(query: Query, verdict: Verdict, chased: Answer | None, missing: Answer, fresh: Freshness) -> Answer:
    """The asked name as an alias, followed by what its target resolves to (`chased`; None when not asked for)."""
    assert verdict.cname is not None
    ttl = REDIRECT_TTL if verdict.ttl is None else verdict.ttl
    alias = Record(query.name, Type.CNAME, ttl, verdict.cname.wire)
    if chased is None:
        return Answer(answer=(alias,), aa=missing.aa, ra=missing.ra, made_by=MADE_BY, fresh=fresh)
    return chased.changed(
        answer=(alias, *chased.answer), aa=missing.aa, made_by=MADE_BY, fresh=chased.fresh.within(fresh)
    )


def under_name(answer: Answer, name: Name, asked: Name) -> Answer:
    """The answer of a rewrite, back under the name that was asked."""
    records = tuple(Record(asked, r.type, r.ttl, r.rdata) if r.owner == name else r for r in answer.answer)
    return answer.changed(answer=records)


def capped(answer: Answer, ttl: int | None) -> Answer:
    """The answer with no TTL above `ttl` seconds, and not to be reused for longer either."""
    if ttl is None:
        return answer
    return answer.changed(
        answer=tuple(_cap(r, ttl) for r in answer.answer),
        authority=tuple(_cap(r, ttl) for r in answer.authority),
        additional=tuple(_cap(r, ttl) for r in answer.additional),
        fresh=answer.fresh.capped(ttl),
    )


def _cap(record: Record, ttl: int) -> Record:
    if record.ttl <= ttl and record.type != Type.SOA:
        return record
    data = record.rdata
    if record.type == Type.SOA and rdata.soa_minimum(record) > ttl:
        data = data[:-4] + ttl.to_bytes(4, "big")
    return Record(record.owner, record.type, min(record.ttl, ttl), data)


def missing_in(zone: Name) -> Answer:
    """NXDOMAIN with an SOA of our own, for names outside the cluster (RFC 2308 5)."""
    data = rdata.soa(_MNAME, _RNAME, 1, 7200, 1800, 86400, BLOCK_TTL)
    return Answer(Rcode.NXDOMAIN, authority=(Record(zone, Type.SOA, BLOCK_TTL, data),), ra=True, fresh=Freshness())


def keep_endpoints(answer: Answer, chosen: tuple[str, ...]) -> Answer:
    """Only the SRV records whose target has one of the chosen addresses, and only their addresses."""
    extra = tuple(r for r in answer.additional if set(rdata.addresses_in(r)) & set(chosen))
    kept = {r.owner for r in extra}
    records = tuple(r for r in answer.answer if r.type != Type.SRV or name_in(r) in kept)
    return answer.changed(answer=records, additional=extra)
