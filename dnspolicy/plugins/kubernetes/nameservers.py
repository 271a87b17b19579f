"""Who serves the zone: NS records, their addresses, and `ns.dns`."""

from __future__ import annotations

import ipaddress

from dnspolicy.cluster.addresses import packed
from dnspolicy.cluster.objects import EndpointSlice, Service, ServiceKind
from dnspolicy.model.answer import Answer, Dependency, Freshness, Rests
from dnspolicy.model.name import Name
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.kubernetes.config import Config
from dnspolicy.plugins.kubernetes.exposed import Exposed
from dnspolicy.plugins.kubernetes.found import NAME, SERIAL, below
from dnspolicy.plugins.kubernetes.service import address_record_type, endpoint_label, service_name
from dnspolicy.plugins.kubernetes.zone import Zone

Server = tuple[Name, bytes]
"""A name and one of its addresses (4 or 16 bytes)."""


class Nameservers:
    """The Services that have one of this server's addresses as endpoint; without one, `ns.dns` with the addresses."""

    def __init__(self, config: Config, exposed: Exposed, local_addresses: tuple[str, ...]) -> None:
        self._config = config
        self._exposed = exposed
        self._local = reachable(local_addresses)

    def answer_ns(self, name: Name, zone: Zone) -> Answer:
        """The NS records of the zone, `name` being its apex, with the addresses of their targets."""
        servers, fresh = self._servers(name)
        if not servers:
            return zone.nothing(name, fresh)
        ttl = self._config.ttl
        records = tuple(Record(name, Type.NS, ttl, wire) for wire in dict.fromkeys(s.wire for s, _ in servers))
        glue = tuple(Record(server, address_record_type(rdata), ttl, rdata) for server, rdata in servers)
        return Answer(Rcode.NOERROR, records, (), glue, aa=True, made_by=NAME, fresh=fresh)

    def answer_address(self, name: Name, zone: Zone, qtype: int) -> Answer:
        """The addresses of `ns.dns`."""
        servers, fresh = self._servers(zone.tail(name))
        rdatas = dict.fromkeys(rdata for _, rdata in servers if address_record_type(rdata) == qtype)
        if not rdatas:
            return zone.nothing(name, fresh)
        records = tuple(Record(name, qtype, self._config.ttl, rdata) for rdata in rdatas)
        return Answer(Rcode.NOERROR, records, aa=True, made_by=NAME, fresh=fresh)

    def _servers(self, tail: Name) -> tuple[tuple[Server, ...], Freshness]:
        """The servers by their names in the zone whose apex is `tail`, and what that rests on."""
        found: dict[tuple[bytes, bytes], Server] = {}
        rests: set[Dependency] = {SERIAL}
        for address in self._local:
            rests.add((Rests.IP, address))
            for item, _ in self._exposed.endpoints_at(address):
                rests.add((Rests.SERVICE, f"{item.namespace}/{item.service}"))
                service = self._exposed.service(item.namespace, item.service)
                if service is not None:
                    for name, rdata in self._of_service(service, item, tail):
                        found[name.wire, rdata] = (name, rdata)
        own = below(tail, b"ns", b"dns")
        if not found and own is not None:
            found = {(own.wire, rdata): (own, rdata) for rdata in map(packed, self._local)}
        return tuple(found.values()), Freshness(None, frozenset(rests))

    def _of_service(self, service: Service, item: EndpointSlice, tail: Name) -> list[Server]:
        pairs = [(service_name(service.namespace, service.name, tail), address) for address in service.addresses]
        if service.kind is ServiceKind.HEADLESS:
            pairs = [
                (
                    service_name(
                        service.namespace, service.name, tail, endpoint_label(e, self._config.endpoint_pod_names)
                    ),
                    e.address,
                )
                for e in item.endpoints
            ]
        return [(name, packed(address)) for name, address in pairs if name is not None]


def reachable(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses that others can reach; all of them when there is no such one. Canonical, without repetition."""
    known = [ipaddress.ip_address(address.partition("%")[0]) for address in dict.fromkeys(addresses)]
    wide = [a for a in known if not (a.is_loopback or a.is_link_local or a.is_unspecified)]
    return tuple(dict.fromkeys(str(address) for address in wide or known if not address.is_unspecified))
