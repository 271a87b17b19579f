"""One zone in memory: which records a name has, where it is delegated, and what stands in for names not there.

RFC 1034 4.3.2, RFC 4592 (wildcards), RFC 6672 (DNAME), RFC 4035 3.1 (signed zones, NSEC alone).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from dnspolicy.model.name import MAX_WIRE, Name, from_labels
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.file.lines import BadZone
from dnspolicy.wire.rdata import name_in, soa_minimum, soa_serial

YXDOMAIN = 6
"""A DNAME made a name that is too long (RFC 6672 2.2)."""
K = TypeVar("K")
Labels = tuple[bytes, ...]
Records = tuple[Record, ...]
_NONE: Records = ()
_RRSIG, _NSEC = int(Type.RRSIG), int(Type.NSEC)
_TARGETED = frozenset((int(Type.MX), int(Type.SRV), int(Type.SVCB), int(Type.HTTPS)))
_NOT_ALIASED = frozenset((int(Type.CNAME), int(Type.ANY), _RRSIG, _NSEC))


class Node:
    """The records of one name, by type, and their signatures by the type they cover. Without any it has names below."""

    __slots__ = ("sets", "signatures")

    def __init__(self, sets: dict[int, Records]) -> None:
        self.sets = sets
        self.signatures: dict[int, Records] | None = None
        if _RRSIG in sets:
            self.signatures = {covered: tuple(records) for covered, records in _grouped(sets[_RRSIG], _covered).items()}

    def get(self, rtype: int, signed: bool) -> Records:
        """The records of a type, with their signatures when `signed`."""
        found = self.sets.get(rtype, _NONE)
        if signed and found and self.signatures is not None:
            return found + self.signatures.get(rtype, _NONE)
        return found


class Found(msgspec.Struct, frozen=True, gc=False):
    """What a zone says. `alias` is the name to go on with. `absent`: nothing but names below, or not even those."""

    rcode: int
    answer: Records = ()
    authority: Records = ()
    additional: Records = ()
    alias: Name | None = None
    referral: bool = False
    absent: bool = False


class Zone:
    """`records` are all of them in canonical order, the SOA first and once more at the end.

    Raises BadZone when there is not exactly one SOA.
    """

    def __init__(self, name: Name, records: Iterable[Record]) -> None:
        self.name = name
        self._size = len(name.labels)
        self._nodes: dict[Labels, Node] = {}
        self._special: dict[Labels, Node] = {}
        for labels, held in _grouped(_distinct(records), lambda record: record.owner.labels).items():
            by_type = _grouped(held, lambda record: record.type)
            self._nodes[labels] = Node({rtype: tuple(of_type) for rtype, of_type in by_type.items()})
        self._apex = self._nodes.setdefault(name.labels, Node({}))
        self._fill_gaps()
        soas = self._apex.sets.get(Type.SOA, _NONE)
        if len(soas) != 1:
            raise BadZone(f"{len(soas)} SOA records for {name}" if soas else f"no SOA record for {name}")
        self.serial = soa_serial(soas[0]) or 0
        longest = min(soas[0].ttl, soa_minimum(soas[0]))
        self._denials = tuple(_cut(self._apex.get(Type.SOA, signed), longest) for signed in (False, True))
        for labels, node in self._nodes.items():
            if Type.DNAME in node.sets or (Type.NS in node.sets and node is not self._apex):
                self._special[labels] = node
        self.records = self._in_order()
        self._chain = sorted(labels[::-1] for labels, node in self._nodes.items() if _NSEC in node.sets)

    def _fill_gaps(self) -> None:
        """Names that only have names below them exist too (RFC 4592 2.2.2)."""
        nodes = self._nodes
        for labels in list(nodes):
            above = labels[1:]
            while len(above) > self._size and above not in nodes:
                nodes[above] = Node({})
                above = above[1:]

    def _in_order(self) -> Records:
        """All records in canonical order, the SOA first and once more at the end."""
        soa = self._apex.sets[Type.SOA]
        found = list(soa)
        for labels in sorted(self._nodes, key=lambda labels: labels[::-1]):
            for records in self._nodes[labels].sets.values():
                if records is not soa:
                    found += records
        return (*found, *soa)

    def find(self, name: Name, qtype: int, signed: bool) -> Found:
        """What a name in the zone answers; `signed` with the records of DNSSEC."""
        if self._special:
            above = self._above(name, qtype, signed)
            if above is not None:
                return above
        node = self._nodes.get(name.labels)
        if node is None:
            return self._standing_in(name, qtype, signed)
        found = self._at(node, name, qtype, signed)
        return found or self._empty(signed, self._no_such_type(node, name, signed), absent=not node.sets)

    def _above(self, name: Name, qtype: int, signed: bool) -> Found | None:
        """What a delegation or a DNAME on the way down says."""
        labels = name.labels
        for size in range(self._size, len(labels) + 1):
            node = self._special.get(labels[len(labels) - size :])
            if node is None:
                continue
            if size < len(labels) and Type.DNAME in node.sets:
                return self._substitute(node, name, size, qtype, signed)
            if Type.NS in node.sets and size > self._size and not (qtype == Type.DS and size == len(labels)):
                return self._refer(node, name.tail(size), signed)
        return None

    def _substitute(self, node: Node, name: Name, size: int, qtype: int, signed: bool) -> Found:
        """The name below a DNAME as an alias (RFC 6672 3.1)."""
        records = node.get(Type.DNAME, signed)
        target = name_in(records[0])
        assert target is not None
        tail = name.tail(size)
        wire = name.wire[: len(name.wire) - len(tail.wire)] + target.wire
        if len(wire) > MAX_WIRE:
            return Found(YXDOMAIN, records, self._soa(signed))
        alias = Name(wire, name.labels[: len(name.labels) - size] + target.labels)
        cname = Record(name, Type.CNAME, records[0].ttl, wire)
        return Found(Rcode.NOERROR, (*records, cname), self._ns(signed), alias=None if qtype in _NOT_ALIASED else alias)

    def _refer(self, node: Node, cut: Name, signed: bool) -> Found:
        """To the name servers of the zone below."""
        servers = node.sets[Type.NS]
        authority = servers
        if signed:
            authority += node.get(Type.DS, True) or node.get(_NSEC, True)
        below = tuple(record for record in servers if (target := name_in(record)) is not None and target.under(cut))
        return Found(Rcode.NOERROR, (), authority, self._addresses(below, signed), referral=True)

    def _at(self, node: Node, name: Name, qtype: int, signed: bool) -> Found | None:
        """The answer of a node under `name`; None when it has nothing of the type."""
        if qtype not in _NOT_ALIASED and Type.CNAME in node.sets:
            records = _owned(name, node.get(Type.CNAME, signed))
            return Found(Rcode.NOERROR, records, self._ns(signed), alias=name_in(records[0]))
        records = self._any(node, signed) if qtype == Type.ANY else node.get(qtype, signed)
        if not records:
            return None
        if node is self._apex and qtype == Type.NS:
            return Found(Rcode.NOERROR, _owned(name, records), (), self._addresses(records, signed))
        extra = self._addresses(records, signed) if qtype in _TARGETED else ()
        return Found(Rcode.NOERROR, _owned(name, records), self._ns(signed), extra)

    @staticmethod
    def _any(node: Node, signed: bool) -> Records:
        return tuple(r for rtype, records in node.sets.items() if rtype != _RRSIG or signed for r in records)

    def _standing_in(self, name: Name, qtype: int, signed: bool) -> Found:
        """A name that is not there: what the wildcard next to its closest encloser says (RFC 4592 3.3.1)."""
        labels = name.labels
        closest = labels[1:]
        while closest not in self._nodes:
            closest = closest[1:]
        wild = self._nodes.get((b"*", *closest))
        proof = self._denial(labels, signed)
        if wild is None:
            if signed:
                proof = tuple(dict.fromkeys(proof + self._denial((b"*", *closest), True)))
            return self._empty(signed, proof, rcode=Rcode.NXDOMAIN, absent=True)
        found = self._at(wild, name, qtype, signed)
        if found is None:
            proof = tuple(dict.fromkeys(wild.get(_NSEC, True) + proof)) if signed else ()
            return self._empty(signed, proof)
        return msgspec.structs.replace(found, authority=found.authority + proof) if proof else found

    def _no_such_type(self, node: Node, name: Name, signed: bool) -> Records:
        return (node.get(_NSEC, True) or self._denial(name.labels, True)) if signed else ()

    def _denial(self, labels: Labels, signed: bool) -> Records:
        """The NSEC before a name that is not there (RFC 4035 3.1.3)."""
        if not signed or not self._chain:
            return ()
        before = self._chain[bisect_left(self._chain, labels[::-1]) - 1]
        return self._nodes[before[::-1]].get(_NSEC, True)

    def _empty(self, signed: bool, proof: Records, rcode: int = Rcode.NOERROR, absent: bool = False) -> Found:
        return Found(rcode, (), self._soa(signed) + proof, absent=absent)

    def _soa(self, signed: bool) -> Records:
        """The SOA of a denial, which holds no longer than its MINIMUM (RFC 2308 3)."""
        return self._denials[signed]

    def _ns(self, signed: bool) -> Records:
        return self._apex.get(Type.NS, signed)

    def _addresses(self, records: Records, signed: bool) -> Records:
        """The addresses in the zone of what records point at, each once."""
        found: list[Record] = []
        for target in dict.fromkeys(name_in(record) for record in records):
            node = self._nodes.get(target.labels) if target is not None else None
            if node is not None:
                found += node.get(Type.A, signed) + node.get(Type.AAAA, signed)
        return tuple(found)


def _distinct(records: Iterable[Record]) -> Iterable[Record]:
    """Each record once; the first one's TTL counts."""
    found: dict[tuple[Labels, int, bytes], Record] = {}
    for record in records:
        found.setdefault((record.owner.labels, record.type, record.rdata), record)
    return found.values()


def _grouped(records: Iterable[Record], key: Callable[[Record], K]) -> dict[K, list[Record]]:
    found: dict[K, list[Record]] = {}
    for record in records:
        found.setdefault(key(record), []).append(record)
    return found


def _covered(record: Record) -> int:
    """The type an RRSIG is about (RFC 4034 3.1.1)."""
    return int.from_bytes(record.rdata[:2], "big")


def _cut(records: Records, ttl: int) -> Records:
    """The records with TTLs of at most `ttl` seconds."""
    return tuple(Record(r.owner, r.type, min(r.ttl, ttl), r.rdata) for r in records)


def _owned(name: Name, records: Records) -> Records:
    """The records under `name`, in its letters."""
    if records[0].owner.wire == name.wire:
        return records
    return tuple(Record(name, r.type, r.ttl, r.rdata) for r in records)


def make(name: Name, records: Iterable[Record]) -> Zone:
    """A zone under its name in lower case. Raises BadZone."""
    return Zone(from_labels(name.labels), records)
