"""What a name points at, by the grammar of cluster names, whether or not it exists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from dnspolicy.cluster.addresses import from_dashed, from_reverse, to_dashed
from dnspolicy.cluster.objects import Endpoint, EndpointSlice, Pod, Service
from dnspolicy.cluster.tables import Key, Tables
from dnspolicy.model.answer import Dependencies, Rests
from dnspolicy.model.identity import NO_LABELS
from dnspolicy.model.name import Name, label_text
from dnspolicy.model.target import EXTERNAL, Target, TargetEndpoint, TargetKind

# Naming the member of an enumeration costs 0.1 µs, which counts on the way of every query.
_SERVICE, _NAMESPACE, _A_SERVICE = Rests.SERVICE, Rests.NAMESPACE, TargetKind.SERVICE
_NONE = Target(TargetKind.NONE)
_JUST_NONE = (_NONE,)
_JUST_EXTERNAL = (EXTERNAL,)


class ServiceFacts:
    """One existing service, worked out once. Dropped when it, its namespace, slices or endpoints' pods move."""

    __slots__ = ("_full", "_labelled", "_plain", "_service", "_tables")

    def __init__(self, tables: Tables, service: Service) -> None:
        self._tables = tables
        self._service = service
        self._plain: tuple[Target, ...] = ()
        self._full: tuple[Target, ...] = ()
        self._labelled: dict[bytes, tuple[TargetEndpoint, ...]] | None = None

    def targets(self, endpoints: bool) -> tuple[Target, ...]:
        if not endpoints:
            if not self._plain:
                self._plain = (self._target(TargetKind.SERVICE, True, ()),)
            return self._plain
        if not self._full:
            everyone = service_endpoints(self._tables, (self._service.namespace, self._service.name))
            self._full = (self._target(TargetKind.SERVICE, True, everyone),)
        return self._full

    def endpoint(self, label: bytes, endpoints: bool) -> Target:
        """The target of `label.service…`. Named is the service, so that a rule on it covers its endpoints."""
        if self._labelled is None:
            self._labelled = self._by_label()
        found = self._labelled.get(label, ())
        return self._target(TargetKind.ENDPOINT, bool(found), found if endpoints else ())

    def at(self, address: str, endpoints: bool) -> Target:
        """The target of the address of an endpoint."""
        everyone = self.targets(True)[0].endpoints if endpoints else ()
        return self._target(TargetKind.ENDPOINT, True, tuple(e for e in everyone if e.ip == address))

    def _by_label(self) -> dict[bytes, tuple[TargetEndpoint, ...]]:
        labelled: dict[bytes, dict[str, TargetEndpoint]] = {}
        for item in self._tables.slices_of.get((self._service.namespace, self._service.name)):
            for endpoint in item.endpoints:
                labels = [endpoint.hostname] if endpoint.hostname else [to_dashed(endpoint.address), endpoint.pod]
                for label in filter(None, labels):
                    found = labelled.setdefault(label.lower().encode(), {})
                    found.setdefault(endpoint.address, target_endpoint(self._tables, item, endpoint))
        return {label: tuple(found.values()) for label, found in labelled.items()}

    def _target(self, kind: TargetKind, exists: bool, endpoints: tuple[TargetEndpoint, ...]) -> Target:
        service = self._service
        return Target(
            kind,
            service.namespace,
            service.name,
            service.labels,
            namespace_labels(self._tables, service.namespace),
            exists,
            endpoints,
            _rests(service.namespace, service.name),
        )


class Targets:
    """Answers `ClusterView.targets`. Remembers existing services only, so no stranger can make it grow."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._facts: dict[tuple[bytes, bytes], ServiceFacts] = {}

    def forget(self, moved: Dependencies) -> None:
        """Drop what rests on something that moved."""
        if any(kind is Rests.NAMESPACE for kind, _ in moved):
            self._facts.clear()
            return
        for kind, key in moved:
            if kind is Rests.SERVICE:
                namespace, _, name = key.partition("/")
                self._facts.pop((namespace.encode(), name.encode()), None)

    def find(self, name: Name, zones: tuple[Name, ...], endpoints: bool) -> tuple[Target, ...]:
        labels = name.labels
        size = -1
        for zone in zones:
            tail = zone.labels
            count = len(tail)
            if count > size and (not count or labels[-count:] == tail):
                size = count
        if labels and labels[-1] == b"arpa":
            address = from_reverse(labels)
            if address is not None:
                return self._address(address, size >= 0, endpoints)
        if size < 0:
            return _JUST_EXTERNAL
        rest = labels[: len(labels) - size]
        if len(rest) < 2:
            return _JUST_NONE
        if rest[-1] == b"svc":
            return self._below_svc(rest, endpoints)
        return self._below_pod(rest) if rest[-1] == b"pod" else _JUST_NONE

    def _below_svc(self, rest: tuple[bytes, ...], endpoints: bool) -> tuple[Target, ...]:
        depth = len(rest)
        namespace = rest[-2]
        if not 3 <= depth <= 5:
            return (self._in_namespace(label_text(namespace)),)
        name = rest[-3]
        facts = self._facts.get((namespace, name)) or self._learn(namespace, name)
        if facts is None:
            kind = TargetKind.ENDPOINT if depth == 4 else _A_SERVICE
            return (self._absent(kind, _namespace_text(namespace), label_text(name)),)
        return (facts.endpoint(rest[0], endpoints),) if depth == 4 else facts.targets(endpoints)

    def _learn(self, namespace: bytes, name: bytes) -> ServiceFacts | None:
        service = self._tables.services.get((namespace.decode("latin-1"), name.decode("latin-1")))
        if service is None:
            return None
        facts = self._facts[namespace, name] = ServiceFacts(self._tables, service)
        return facts

    def _below_pod(self, rest: tuple[bytes, ...]) -> tuple[Target, ...]:
        """`ADDRESS.NAMESPACE.pod`: the pods of this namespace with this address; what stands before it is ignored."""
        namespace = label_text(rest[-2])
        address = from_dashed(rest[-3]) if len(rest) > 2 else None
        if address is None:
            return (self._in_namespace(namespace),)
        pods = [pod for pod in self._tables.holders_at(address) if pod.namespace == namespace]
        if pods:
            return self._pods(pods, address)
        rests = frozenset(((Rests.IP, address), (Rests.NAMESPACE, namespace)))
        labels = namespace_labels(self._tables, namespace)
        return (Target(TargetKind.POD, namespace, namespace_labels=labels, rests=rests),)

    def _address(self, address: str, inside: bool, endpoints: bool) -> tuple[Target, ...]:
        """Owners of an address: services, else services of endpoints, else pods, as reverse look-ups answer."""
        tables = self._tables
        rest = frozenset(((Rests.IP, address),))
        found = [
            facts.targets(endpoints)[0]
            for service in tables.services_at.get(address)
            if (facts := self._known(service.namespace, service.name))
        ] or self._endpoint_owners(address, endpoints)
        if found:
            return tuple(_resting(target, rest) for target in found)
        pods = tables.pods_at(address)
        return self._pods(pods, address) or (Target(TargetKind.NONE if inside else TargetKind.EXTERNAL, rests=rest),)

    def _endpoint_owners(self, address: str, endpoints: bool) -> list[Target]:
        owners = dict.fromkeys((s.namespace, s.service) for s, _ in self._tables.endpoints_at.get(address))
        found = []
        for namespace, name in owners:
            facts = self._known(namespace, name)
            if facts is None:
                found.append(self._absent(TargetKind.ENDPOINT, namespace, name))
            else:
                found.append(facts.at(address, endpoints))
        return found

    def _known(self, namespace: str, name: str) -> ServiceFacts | None:
        key = namespace.encode(), name.encode()
        return self._facts.get(key) or self._learn(*key)

    def _pods(self, pods: Iterable[Pod], address: str) -> tuple[Target, ...]:
        return tuple(
            Target(
                TargetKind.POD,
                pod.namespace,
                pod.name,
                pod.labels,
                namespace_labels(self._tables, pod.namespace),
                True,
                rests=frozenset(((Rests.IP, address), (Rests.NAMESPACE, pod.namespace))),
            )
            for pod in pods
        )

    def _in_namespace(self, namespace: str) -> Target:
        labels = namespace_labels(self._tables, namespace)
        return Target(
            TargetKind.NONE, namespace, namespace_labels=labels, rests=frozenset(((Rests.NAMESPACE, namespace),))
        )

    def _absent(self, kind: TargetKind, namespace: str, name: str) -> Target:
        labels = namespace_labels(self._tables, namespace)
        return Target(kind, namespace, name, NO_LABELS, labels, False, (), _rests(namespace, name))


@lru_cache(1024)
def _namespace_text(label: bytes) -> str:
    return label_text(label)


def service_endpoints(tables: Tables, key: Key) -> tuple[TargetEndpoint, ...]:
    """Ready endpoints of a service, one for each address."""
    found: dict[str, TargetEndpoint] = {}
    for item in tables.slices_of.get(key):
        for endpoint in item.endpoints:
            if endpoint.address not in found:
                found[endpoint.address] = target_endpoint(tables, item, endpoint)
    return tuple(found.values())


def target_endpoint(tables: Tables, item: EndpointSlice, endpoint: Endpoint) -> TargetEndpoint:
    """An endpoint with the labels of its pod, if the pod it names has its address."""
    pod = tables.pod(item.namespace, endpoint.pod) if endpoint.pod else None
    believed = pod is not None and endpoint.address in pod.addresses
    return TargetEndpoint(
        endpoint.address,
        endpoint.pod or None,
        endpoint.node or None,
        endpoint.zone or None,
        pod.labels if pod is not None and believed else NO_LABELS,
    )


def namespace_labels(tables: Tables, namespace: str) -> Mapping[str, str]:
    found = tables.namespaces.get(namespace)
    return NO_LABELS if found is None else found.labels


def _rests(namespace: str, name: str) -> Dependencies:
    return frozenset(((_SERVICE, f"{namespace}/{name}"), (_NAMESPACE, namespace)))


def _resting(target: Target, rests: Dependencies) -> Target:
    return Target(
        target.kind,
        target.namespace,
        target.name,
        target.labels,
        target.namespace_labels,
        target.exists,
        target.endpoints,
        target.rests | rests,
    )
