"""What the names of a zone are: the grammar of the Kubernetes DNS specification, and the tree below the apex."""

from __future__ import annotations

from dnspolicy.cluster.addresses import from_dashed, packed
from dnspolicy.cluster.view import ClusterView
from dnspolicy.model.answer import Answer, Dependencies, Freshness, Rests
from dnspolicy.model.name import Name, label_text
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.kubernetes.config import Config, PodMode
from dnspolicy.plugins.kubernetes.exposed import Exposed
from dnspolicy.plugins.kubernetes.found import ABSENT, NAME, SERIAL, Found, Missing
from dnspolicy.plugins.kubernetes.nameservers import Nameservers
from dnspolicy.plugins.kubernetes.reverse import Reverse
from dnspolicy.plugins.kubernetes.service import ServiceRecords, Services, address_record_type
from dnspolicy.plugins.kubernetes.zone import Zone

SCHEMA_VERSION = b"1.1.0"
SCHEMA_TTL = 28800
"""Seconds."""

_NOT_IN_GRAMMAR = Missing(Freshness(None, ABSENT))
_ALWAYS = Freshness(None, frozenset((SERIAL,)))
_SUBTREES = frozenset((b"svc", b"pod"))
_DNS, _NS_DNS, _VERSION = (b"dns",), (b"ns", b"dns"), (b"dns-version",)


class Tree:
    """Remembers exposed namespaces and existing services that were asked for, while it hears of changes."""

    def __init__(
        self, config: Config, cluster: ClusterView, exposed: Exposed, nameservers: Nameservers, reverse: Reverse
    ) -> None:
        self._config = config
        self._cluster = cluster
        self._exposed = exposed
        self._nameservers = nameservers
        self._reverse = reverse
        self._namespaces: dict[bytes, Services] = {}
        self._listening = False

    def listen(self, listening: bool) -> None:
        """Whether `moved` will be called with every change from now on."""
        self._listening = listening
        self._namespaces.clear()
        self._reverse.addresses.forget()

    def moved(self, moved: Dependencies) -> None:
        """Forget what rests on something that moved."""
        for kind, key in moved:
            if kind is Rests.NAMESPACE:
                self._namespaces.pop(key.encode(), None)
            elif kind is Rests.SERVICE:
                namespace, _, name = key.partition("/")
                services = self._namespaces.get(namespace.encode())
                if services is not None:
                    services.forget(name.encode())
        self._reverse.addresses.moved(moved)

    def find(self, name: Name, zone: Zone, qtype: int) -> Found:
        """What a name in `zone` answers to `qtype`."""
        labels = name.labels
        size = len(labels) - zone.size
        if size < 3 or labels[size - 1] != b"svc" or labels[-1] == b"arpa":
            return self._elsewhere(labels[:size], name, zone, qtype)
        label = labels[size - 2]
        services = self._namespaces.get(label) or self._learn(label)
        if services is None:
            return _no_service(labels[size - 3], label)
        service = services.get(labels[size - 3])
        if service is None:
            return services.none(labels[size - 3])
        return service.find(labels[: size - 3], name, zone, qtype)

    def service(self, service: bytes, namespace: bytes) -> ServiceRecords | Missing:
        """The records of a service that exists."""
        services = self._namespaces.get(namespace) or self._learn(namespace)
        if services is None:
            return _no_service(service, namespace)
        return services.get(service) or services.none(service)

    def _learn(self, label: bytes) -> Services | None:
        namespace = label.decode("latin-1")
        if not self._exposed.namespace(namespace):
            return None
        found = Services(self._config, self._exposed, namespace)
        if self._listening:
            self._namespaces[label] = found
        return found

    def _elsewhere(self, rest: tuple[bytes, ...], name: Name, zone: Zone, qtype: int) -> Found:
        """Every name that is not below a namespace of `svc`."""
        if not rest:
            return self._apex(name, zone, qtype)
        if rest == _NS_DNS:
            return self._nameservers.answer_address(name, zone, qtype)
        if rest == _DNS:
            return zone.nothing(name, _ALWAYS)
        if rest == _VERSION:
            return _version(name, zone, qtype)
        if name.labels[-1] == b"arpa":
            return self._reverse.find(name, zone, qtype, self._listening)
        if rest[-1] not in _SUBTREES:
            return _NOT_IN_GRAMMAR
        if len(rest) == 1:
            return zone.nothing(name, _ALWAYS)
        if rest[-1] == b"svc":
            return self._namespace(rest[-2], name, zone)
        return self._pod(rest, name, zone, qtype)

    def _apex(self, name: Name, zone: Zone, qtype: int) -> Answer:
        if qtype == Type.SOA:
            return Answer(Rcode.NOERROR, (zone.soa(name),), aa=True, made_by=NAME, fresh=_ALWAYS)
        if qtype == Type.NS:
            return self._nameservers.answer_ns(name, zone)
        return zone.nothing(name, _ALWAYS)

    def _namespace(self, label: bytes, name: Name, zone: Zone) -> Found:
        """The name of a namespace below `svc` or `pod`: it has nothing but names below it."""
        rests: Dependencies = frozenset(((Rests.NAMESPACE, label_text(label)), *ABSENT))
        if self._exposed.namespace(label.decode("latin-1")):
            return zone.nothing(name, Freshness(None, rests))
        return Missing(Freshness(None, rests))

    def _pod(self, rest: tuple[bytes, ...], name: Name, zone: Zone, qtype: int) -> Found:
        """`ADDRESS.NAMESPACE.pod`, the address with dashes for dots or colons."""
        if self._config.pods is PodMode.DISABLED or len(rest) > 3:
            return _NOT_IN_GRAMMAR
        if len(rest) == 2:
            return self._namespace(rest[0], name, zone)
        address = from_dashed(rest[0]) if b"%" not in rest[0] else None
        if address is None:
            return _NOT_IN_GRAMMAR
        looked_at = ((Rests.NAMESPACE, label_text(rest[1])), (Rests.IP, address))
        namespace = rest[1].decode("latin-1")
        if not self._exposed.namespace(namespace) or not self._has_pod(namespace, address):
            return Missing(Freshness(None, frozenset(looked_at) | ABSENT))
        rdata = packed(address)
        if qtype != address_record_type(rdata):
            return zone.nothing(name, Freshness(None, frozenset((*looked_at, SERIAL))))
        record = Record(name, qtype, self._config.ttl, rdata)
        fresh = Freshness(None, frozenset(looked_at))
        return Answer(Rcode.NOERROR, (record,), aa=True, made_by=NAME, fresh=fresh)

    def _has_pod(self, namespace: str, address: str) -> bool:
        if self._config.pods is PodMode.INSECURE:
            return True
        return any(pod.namespace == namespace for pod in self._exposed.pods_at(address))


def _no_service(service: bytes, namespace: bytes) -> Missing:
    text = label_text(namespace)
    looked_at = ((Rests.SERVICE, f"{text}/{label_text(service)}"), (Rests.NAMESPACE, text), *ABSENT)
    return Missing(Freshness(None, frozenset(looked_at)))


def _version(name: Name, zone: Zone, qtype: int) -> Answer:
    if qtype != Type.TXT:
        return zone.nothing(name, _ALWAYS)
    record = Record(name, Type.TXT, SCHEMA_TTL, bytes((len(SCHEMA_VERSION),)) + SCHEMA_VERSION)
    return Answer(Rcode.NOERROR, (record,), aa=True, made_by=NAME, fresh=Freshness())
