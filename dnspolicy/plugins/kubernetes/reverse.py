"""Names of addresses (RFC 1035 3.5, RFC 3596 2.5)."""

from __future__ import annotations

from dnspolicy.cluster.addresses import from_reverse
from dnspolicy.cluster.objects import Service, ServiceKind
from dnspolicy.model.answer import Answer, Dependencies, Dependency, Freshness, Rests
from dnspolicy.model.name import Name
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.kubernetes.addresses import NamedAddresses
from dnspolicy.plugins.kubernetes.config import Config
from dnspolicy.plugins.kubernetes.exposed import Exposed
from dnspolicy.plugins.kubernetes.found import ABSENT, NAME, SERIAL, Found, Missing
from dnspolicy.plugins.kubernetes.service import endpoint_label, service_name
from dnspolicy.plugins.kubernetes.zone import Zone

_NOWHERE = Missing(Freshness(0.0, ABSENT))
"""What no single object can bring into being is not remembered: there is no dependency for a range of addresses."""


class Reverse:
    """PTR records of ClusterIPs and endpoints, in names of `primary`, the first zone that is no reverse zone."""

    def __init__(self, config: Config, exposed: Exposed, primary: Name) -> None:
        self._config = config
        self._exposed = exposed
        self._primary = primary
        self._quirky = config.quirks is not None
        self.addresses = NamedAddresses(exposed, lambda address: bool(self._names(address, set())))

    def find(self, name: Name, zone: Zone, qtype: int, listening: bool) -> Found:
        """What a name at or under in-addr.arpa or ip6.arpa answers."""
        address = from_reverse(name.labels)
        if address is None:
            if self.addresses.any_below(name.labels, listening):
                return zone.nothing(name, Freshness(0.0, frozenset((SERIAL,))))
            return _NOWHERE
        looked_at: set[Dependency] = {(Rests.IP, address)}
        names = self._names(address, looked_at)
        rests: Dependencies = frozenset(looked_at)
        if not names:
            return Missing(Freshness(None, rests | ABSENT))
        if qtype != Type.PTR:
            return zone.nothing(name, Freshness(None, rests | {SERIAL}))
        records = tuple(Record(name, Type.PTR, self._config.ttl, wire) for wire in names)
        return Answer(Rcode.NOERROR, records, aa=True, made_by=NAME, fresh=Freshness(None, rests))

    def _names(self, address: str, looked_at: set[Dependency]) -> list[bytes]:
        """The names of an address in wire form; adds what was looked at to `looked_at`."""
        found = [
            service_name(service.namespace, service.name, self._primary)
            for service in self._exposed.services_at(address)
            if self._shown(service.namespace, service.name, looked_at)
        ]
        if self._quirky:
            found = found[:1]
        if not found:
            for item, endpoint in self._exposed.endpoints_at(address):
                looked_at.add((Rests.SERVICE, f"{item.namespace}/{item.service}"))
                service = self._exposed.service(item.namespace, item.service)
                served = self._quirky or (service is not None and self._has_endpoints(service))
                if served and self._shown(item.namespace, item.service, looked_at):
                    label = endpoint_label(endpoint, self._config.endpoint_pod_names)
                    found.append(service_name(item.namespace, item.service, self._primary, label))
        return list(dict.fromkeys(name.wire for name in found if name is not None))

    def _shown(self, namespace: str, service: str, looked_at: set[Dependency]) -> bool:
        looked_at.add((Rests.NAMESPACE, namespace))
        looked_at.add((Rests.SERVICE, f"{namespace}/{service}"))
        if self._quirky and not self._config.namespaces:  # CoreDNS looks at this list alone
            return True
        return self._exposed.namespace(namespace)

    def _has_endpoints(self, service: Service) -> bool:
        return service.kind is not ServiceKind.EXTERNAL_NAME
