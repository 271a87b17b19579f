"""Finished answers for everything that hosts entries say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

import msgspec

from dnspolicy.model.answer import STABLE, Answer
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.hosts.entries import Host

Labels = tuple[bytes, ...]
Addresses = dict[int, list[bytes]]
"""By record type, in the order of the entries."""
MADE_BY = "hosts"
_FAMILY = {4: int(Type.A), 16: int(Type.AAAA)}


class Rules(msgspec.Struct, frozen=True):
    """How entries become answers. `zones`: names outside them are left out; empty means all names."""

    ttl: int
    reverse: bool
    zones: tuple[Name, ...]

    def takes(self, name: Name) -> bool:
        if not self.zones:
            return True
        for zone in self.zones:  # noqa: SIM110 any() takes three times as long, and this is on the way of every query
            if name.under(zone):
                return True
        return False


class Table:
    """Answers by name. `count` is how many entries they were made of, reverse ones included.

    `known` are the names that have entries of their own, `wild` those under which every label has. `tops`
    are the last labels of them all: most names differ there, and one label is compared sooner than a name.
    """

    def __init__(self, sources: Sequence[Iterable[Host]], rules: Rules) -> None:
        self.nxdomain = Answer(Rcode.NXDOMAIN, aa=True, made_by=MADE_BY, fresh=STABLE)
        self.nodata = Answer(aa=True, made_by=MADE_BY, fresh=STABLE)
        self.count = 0
        self._ttl = rules.ttl
        self.known: dict[Labels, dict[int, Answer]] = {}
        self.wild: dict[Labels, Addresses] = {}
        self._between: set[Labels] = set()
        kept = [[host for host in source if rules.takes(host.name)] for source in sources]
        self._add_addresses([_Source(hosts) for hosts in kept])
        self.count = sum(map(len, kept))
        if rules.reverse:
            self._add_reverse([host for hosts in kept for host in hosts if not _is_wild(host.name)])
        self.tops = frozenset(labels[-1:] for names in (self.known, self.wild) for labels in names)

    def find(self, name: Name, qtype: int) -> Answer | None:
        """The answer, without records when the name has none of this type; None for a name that no entry has."""
        known = self.known.get(name.labels)
        if known is not None:
            return known.get(qtype, self.nodata)
        wild = self.wild.get(name.labels[1:]) if self.wild and name.labels else None
        if wild is None:
            return None
        addresses = wild.get(qtype)
        return self._answer(name, qtype, addresses) if addresses else self.nodata

    def missing(self, name: Name) -> Answer:
        """The answer for a name that no entry has: it exists all the same when entries lie below it (RFC 8020)."""
        return self.nodata if name.labels in self._between else self.nxdomain

    def _answer(self, owner: Name, rtype: int, rdata: Iterable[bytes]) -> Answer:
        records = tuple(Record(owner, rtype, self._ttl, data) for data in dict.fromkeys(rdata))
        return self.nodata.changed(answer=records)

    def _add_addresses(self, sources: list[_Source]) -> None:
        for name in {host_name for source in sources for host_name in source.exact_names}:
            found = _merged(source.addresses(name.labels) for source in sources)
            self.known[name.labels] = {rtype: self._answer(name, rtype, data) for rtype, data in found.items()}
            self._note_between(name.labels)
        for parent in {labels for source in sources for labels in source.wild}:
            self.wild[parent] = _merged(source.wild.get(parent, {}) for source in sources)
            self._between.add(parent)
            self._note_between(parent)

    def _add_reverse(self, hosts: list[Host]) -> None:
        self.count += len(hosts)
        names: dict[bytes, list[bytes]] = {}
        for host in hosts:
            names.setdefault(host.address, []).append(host.name.wire)
        for address, targets in names.items():
            owner = from_text(ip_address(address).reverse_pointer)
            answers = self.known.setdefault(owner.labels, {})
            answers[int(Type.PTR)] = self._answer(owner, int(Type.PTR), targets)
            self._note_between(owner.labels)

    def _note_between(self, labels: Labels) -> None:
        for start in range(1, len(labels) + 1):
            above = labels[start:]
            if above in self._between:
                return
            self._between.add(above)


class _Source:
    """The entries of one source. As in CoreDNS a wildcard speaks for a family that the exact name lacks here."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self.exact_names: set[Name] = set()
        self.exact: dict[Labels, Addresses] = {}
        self.wild: dict[Labels, Addresses] = {}
        for host in hosts:
            if _is_wild(host.name):
                place = self.wild.setdefault(host.name.labels[1:], {})
            else:
                self.exact_names.add(host.name)
                place = self.exact.setdefault(host.name.labels, {})
            place.setdefault(_FAMILY[len(host.address)], []).append(host.address)

    def addresses(self, labels: Labels) -> Addresses:
        return {**self.wild.get(labels[1:], {}), **self.exact.get(labels, {})}


def _is_wild(name: Name) -> bool:
    return name.labels[0] == b"*"


def _merged(parts: Iterable[Addresses]) -> Addresses:
    found: Addresses = {}
    for part in parts:
        for rtype, addresses in part.items():
            found.setdefault(rtype, []).extend(addresses)
    return found
