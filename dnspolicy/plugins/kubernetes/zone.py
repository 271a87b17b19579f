"""One zone: where it begins in a name, and its SOA."""

from __future__ import annotations

from struct import Struct

from dnspolicy.cluster.view import ClusterView
from dnspolicy.model.answer import Answer, Freshness
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import MAX_WIRE, Name, from_labels
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.kubernetes.found import NAME

_SOA = Struct("!IIIII")
REFRESH, RETRY, EXPIRE = 7200, 1800, 86400
MAX_SOA_TTL = 300
"""Seconds."""


class Zone:
    """`name` is in lower case. `ttl` in seconds is that of its records and the SOA's MINIMUM (RFC 2308).

    Raises ConfigError when names below the zone would be too long.
    """

    def __init__(self, name: Name, ttl: int, cluster: ClusterView) -> None:
        if len(name.wire) + len(b"\x0ahostmaster") > MAX_WIRE:
            raise ConfigError(f"kubernetes: zone {name} is too long for names below it")
        self.name = from_labels(name.labels)
        self.size = len(name.labels)
        self._ttl = ttl
        self._cluster = cluster
        self._serial = -1
        self._soa = self._make(self.name)

    def tail(self, name: Name) -> Name:
        """The zone in the letters of a name below it."""
        return self.name if name.wire.endswith(self.name.wire) else name.tail(self.size)

    def soa(self, name: Name) -> Record:
        """The SOA in the letters of `name`, with the serial of now."""
        if self._serial != self._cluster.serial:
            self._serial = self._cluster.serial
            self._soa = self._make(self.name)
        return self._soa if name.wire.endswith(self.name.wire) else self._make(name.tail(self.size))

    def nothing(self, name: Name, fresh: Freshness) -> Answer:
        """The name exists without what was asked (RFC 2308 2.2)."""
        return Answer(Rcode.NOERROR, (), (self.soa(name),), aa=True, made_by=NAME, fresh=fresh)

    def _make(self, tail: Name) -> Record:
        numbers = _SOA.pack(self._cluster.serial & 0xFFFFFFFF, REFRESH, RETRY, EXPIRE, self._ttl)
        rdata = b"\x02ns\x03dns" + tail.wire + b"\x0ahostmaster" + tail.wire + numbers
        return Record(tail, Type.SOA, min(self._ttl, MAX_SOA_TTL), rdata)


class Zones:
    """All zones of the room; the longest one that holds a name is its zone."""

    def __init__(self, zones: tuple[Zone, ...]) -> None:
        self.all = zones
        longest_first = sorted(zones, key=lambda zone: -zone.size)
        self._roots = tuple(zone for zone in longest_first if not zone.size)
        tops = {zone.name.labels[-1] for zone in zones if zone.size}
        self._below = {top: tuple(z for z in longest_first if not z.size or z.name.labels[-1] == top) for top in tops}

    def of(self, labels: tuple[bytes, ...]) -> Zone | None:
        """The zone of a name given by its labels."""
        for zone in self._below.get(labels[-1], self._roots) if labels else self._roots:
            size = zone.size
            if not size or labels[-size:] == zone.name.labels:
                return zone
        return None
