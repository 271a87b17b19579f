"""A zone of the cluster as a whole, for transfers (RFC 5936)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from struct import Struct

from dnspolicy.cluster.addresses import packed
from dnspolicy.cluster.objects import Port, Service, ServiceKind
from dnspolicy.cluster.view import ClusterView
from dnspolicy.model.name import Name
from dnspolicy.model.rr import Record, Type
from dnspolicy.plugins.kubernetes.config import Config
from dnspolicy.plugins.kubernetes.exposed import Exposed
from dnspolicy.plugins.kubernetes.found import below
from dnspolicy.plugins.kubernetes.nameservers import Nameservers
from dnspolicy.plugins.kubernetes.service import address_record_type, endpoint_label, external_target, service_name
from dnspolicy.plugins.kubernetes.zone import Zone

_SRV = Struct("!HHH")
KEPT = 5.0
"""Seconds a zone is kept for those who ask at the same time."""


class Transfers:
    """The zones that are no reverse zones: SOA, name servers, their addresses, services by name, SOA.

    Neither pods nor reverse names are in them, nor endpoints without a headless service.
    """

    def __init__(
        self, config: Config, cluster: ClusterView, exposed: Exposed, nameservers: Nameservers, zones: tuple[Zone, ...]
    ) -> None:
        self._config = config
        self._cluster = cluster
        self._exposed = exposed
        self._nameservers = nameservers
        self._zones = {zone.name: zone for zone in zones if zone.name.labels[-1:] != (b"arpa",)}
        self._kept: dict[Name, tuple[Record, ...]] = {}

    def names(self) -> tuple[Name, ...]:
        return tuple(self._zones)

    def serial(self, name: Name) -> int | None:
        """The serial of a zone; None when it is not one of these, or not loaded."""
        return self._cluster.serial & 0xFFFFFFFF if name in self._zones and not self._cluster.missing() else None

    def records(self, name: Name) -> tuple[Record, ...] | None:
        """All records of a zone; None when it is not one of these, or not loaded."""
        zone = self._zones.get(name)
        if zone is None or self._cluster.missing():
            return None
        soa = zone.soa(zone.name)
        kept = self._kept.get(name)
        if kept is None or kept[0] != soa:
            kept = self._kept[name] = (soa, *self._between(zone), soa)
            asyncio.get_running_loop().call_later(KEPT, self.forget)
        return kept

    def forget(self) -> None:
        """Something has changed, or nobody asked for a while."""
        self._kept.clear()

    def _between(self, zone: Zone) -> Iterator[Record]:
        served = self._nameservers.answer_ns(zone.name, zone)
        yield from served.answer
        yield from (Record(r.owner, r.type, 0, r.rdata) for r in served.additional)
        for service in sorted(self._exposed.services(), key=lambda s: (s.name, s.namespace)):
            if self._exposed.namespace(service.namespace):
                yield from dict.fromkeys(self._of_service(service, zone.name))

    def _of_service(self, service: Service, tail: Name) -> Iterator[Record]:
        name = service_name(service.namespace, service.name, tail)
        if name is None:
            return
        if service.kind is ServiceKind.CLUSTER_IP:
            yield from self._cluster_ip(service, name)
        elif service.kind is ServiceKind.HEADLESS:
            yield from self._headless(service, name)
        elif (target := external_target(service.external_name)) is not None:
            yield Record(name, Type.CNAME, self._config.ttl, target.wire)

    def _cluster_ip(self, service: Service, name: Name) -> Iterator[Record]:
        for address in service.addresses:
            yield self._address(name, address)
        for port in _usable(service.ports):
            rdata = _SRV.pack(0, 100, port.number) + name.wire
            yield Record(name, Type.SRV, self._config.ttl, rdata)
            yield from self._named(name, port.name, port.protocol, rdata)

    def _headless(self, service: Service, name: Name) -> Iterator[Record]:
        for item in self._exposed.slices(service.namespace, service.name):
            weight = max(1, 100 // max(1, len(item.endpoints)))
            for endpoint in item.endpoints:
                yield self._address(name, endpoint.address)
                own = below(name, endpoint_label(endpoint, self._config.endpoint_pod_names))
                if own is None:
                    continue
                yield self._address(own, endpoint.address)
                for port in _usable(item.ports):
                    rdata = _SRV.pack(0, weight, port.number) + own.wire
                    yield from self._named(name, port.name, port.protocol, rdata)

    def _address(self, name: Name, address: str) -> Record:
        rdata = packed(address)
        return Record(name, address_record_type(rdata), self._config.ttl, rdata)

    def _named(self, name: Name, port: str, protocol: str, rdata: bytes) -> Iterator[Record]:
        """The SRV record of a port that has a name (RFC 2782)."""
        owner = below(name, f"_{port}".lower().encode(), f"_{protocol}".lower().encode()) if port else None
        if owner is not None:
            yield Record(owner, Type.SRV, self._config.ttl, rdata)


def _usable(ports: tuple[Port, ...]) -> Iterator[Port]:
    """The ports that have a number; in a slice, one without stands for all ports."""
    return (port for port in ports if port.number > 0)
