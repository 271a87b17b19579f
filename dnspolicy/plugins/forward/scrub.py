"""What of an upstream's message answers the question; the rest is not believed (RFC 5452 6, RFC 2181 5.4.1)."""

from __future__ import annotations

from dnspolicy.model.errors import BadName
from dnspolicy.model.name import Name, from_labels
from dnspolicy.model.rr import Record, Type
from dnspolicy.wire.message import Response
from dnspolicy.wire.rdata import name_in

LONGEST_CHAIN = 16
"""Names an alias chain may have; what lies beyond is not kept."""
_PROOFS = frozenset({int(Type.NSEC), 50, int(Type.RRSIG), int(Type.DS)})  # 50: NSEC3
_ZONE = frozenset({int(Type.SOA), int(Type.NS)})
_FIXED_RRSIG = 18
Records = tuple[Record, ...]


def scrub(name: Name, qtype: int, response: Response, proofs: bool) -> tuple[Records, Records]:
    """The answer and authority sections as far as they are on the chain of the question.

    Kept are records of the asked type (and aliases, and with `proofs` signatures) at the name, at the target of its
    alias and so on, in chain order and under the letters of `name`; and SOA and NS of a zone around a name of the
    chain, with the denial proofs of that zone when `proofs`. A loop ends the chain.
    """
    answer = response.answer
    if len(answer) == 1 and answer[0].type == qtype and answer[0].owner.labels == name.labels:
        kept: Records = answer if answer[0].owner.wire == name.wire else (_owned(name, answer[0]),)
        chain = [name]
    else:
        kept, chain = _follow(name, qtype, answer, proofs)
    return kept, _around(chain, kept, response.authority, proofs) if response.authority else ()


def _owned(name: Name, record: Record) -> Record:
    return Record(name, record.type, record.ttl, record.rdata)


def _follow(name: Name, qtype: int, answer: Records, proofs: bool) -> tuple[Records, list[Name]]:
    by_owner: dict[Name, list[Record]] = {}
    for record in answer:
        by_owner.setdefault(record.owner, []).append(record)
    kept: list[Record] = []
    chain: list[Name] = []
    at: Name | None = name
    while at is not None and len(chain) < LONGEST_CHAIN and at not in chain:
        chain.append(at)
        alias = None
        if qtype not in (Type.CNAME, Type.ANY):
            alias = next((r for r in by_owner.get(at, ()) if r.type == Type.CNAME), None)
        through = _dname(at, by_owner)
        target = _target(at, alias, through)
        if through is not None:
            kept += _taken(through.owner, by_owner, through, Type.DNAME, proofs)
            if alias is None and target is not None:
                kept.append(Record(at, int(Type.CNAME), through.ttl, target.wire))
        kept += _taken(at, by_owner, alias, qtype if alias is None else Type.CNAME, proofs)
        at = target
    return tuple(kept), chain


def _taken(
    owner: Name, by_owner: dict[Name, list[Record]], only: Record | None, rtype: int, proofs: bool
) -> list[Record]:
    """The records of a type at an owner, or the one alias there, with their signatures when `proofs`."""
    return [
        r if r.owner.wire == owner.wire else Record(owner, r.type, r.ttl, r.rdata)
        for r in by_owner.get(owner, ())
        if (r is only if only is not None else r.type == rtype or rtype == Type.ANY) or (proofs and _signs(r, rtype))
    ]


def _signs(record: Record, rtype: int) -> bool:
    """Whether it is a signature over this type (RFC 4034 3.1)."""
    return record.type == Type.RRSIG and int.from_bytes(record.rdata[:2], "big") == rtype


def _dname(name: Name, by_owner: dict[Name, list[Record]]) -> Record | None:
    """The DNAME above `name` (RFC 6672 2.2)."""
    if len(by_owner) < 2 and name in by_owner:
        return None
    for owner, records in by_owner.items():
        if len(owner.labels) < len(name.labels) and name.under(owner):
            for record in records:
                if record.type == Type.DNAME:
                    return record
    return None


def _target(name: Name, alias: Record | None, through: Record | None) -> Name | None:
    """Where the chain goes on. A CNAME beside a DNAME must be the one it makes."""
    made = None
    if through is not None and (into := name_in(through)) is not None:
        count = len(name.labels) - len(through.owner.labels)
        try:
            made = from_labels(name.labels[:count] + into.labels)
        except BadName:
            return None
    if alias is None:
        return made
    target = name_in(alias)
    return target if made is None or target == made else None


def _around(chain: list[Name], kept: Records, authority: Records, proofs: bool) -> Records:
    """SOA and NS of zones around the chain; with `proofs` what proves a denial or a wildcard there."""
    zones = {r.owner for r in authority if r.type in _ZONE and any(n.under(r.owner) for n in chain)}
    signers = {z for r in kept if (z := _signer(chain, r)) is not None} | zones if proofs else set()
    return tuple(
        r
        for r in authority
        if (r.owner in zones if r.type in _ZONE else r.type in _PROOFS and any(r.owner.under(z) for z in signers))
    )


def _signer(chain: list[Name], record: Record) -> Name | None:
    """The zone that signed a kept record, when it lies around the chain."""
    if record.type != Type.RRSIG:
        return None
    signer = record.rdata[_FIXED_RRSIG:].lower()
    for name in chain:
        for count in range(len(name.labels) + 1):
            zone = name.tail(count)
            if signer.startswith(zone.key):
                return zone
    return None
