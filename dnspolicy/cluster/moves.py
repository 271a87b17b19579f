"""What a change moves: first everything it could touch, then only what reads differently afterwards."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dnspolicy.cluster.identity import Identities
from dnspolicy.cluster.objects import EndpointSlice, Namespace, Node, Object, Pod, Service
from dnspolicy.cluster.tables import Key, Tables
from dnspolicy.cluster.targets import service_endpoints
from dnspolicy.model.answer import Dependency, Rests

Change = tuple[Object | None, Object | None]
"""An object before and after; None where it was or is not there."""

Facts = dict[Dependency, object]


class Touched:
    """Everything that some changes could make read differently. Too much is harmless, too little is a stale answer."""

    def __init__(self, tables: Tables, changes: Iterable[Change]) -> None:
        self._tables = tables
        self._addresses: set[str] = set()
        self._services: set[Key] = set()
        self._namespaces: set[str] = set()
        for old, new in changes:
            item = new if new is not None else old
            match item:
                case Namespace():
                    self._namespaces.add(item.name)
                    self._pods(tables.pods_in(item.name))
                case Node():
                    self._node(old, new)
                case Service():
                    self._services.add((item.namespace, item.name))
                    self._addresses.update(_addresses(old), _addresses(new))
                case EndpointSlice():
                    self._slice(old, new)
                case Pod():
                    self._pod({*_addresses(old), *_addresses(new)})

    def facts(self, identities: Identities) -> Facts:
        """How everything touched reads now."""
        tables = self._tables
        facts: Facts = {(Rests.NAMESPACE, name): tables.namespaces.get(name) for name in self._namespaces}
        for key in self._services:
            reading = tables.services.get(key), tables.slices_of.get(key), service_endpoints(tables, key)
            facts[Rests.SERVICE, f"{key[0]}/{key[1]}"] = reading
        for address in self._addresses:
            facts[Rests.IP, address] = _address_facts(tables, identities, address)
        return facts

    def _pods(self, pods: Iterable[Pod]) -> None:
        for pod in pods:
            self._addresses.update(pod.addresses)

    def _pod(self, addresses: set[str]) -> None:
        self._addresses |= addresses
        for address in addresses:
            self._services.update((item.namespace, item.service) for item, _ in self._tables.endpoints_at.get(address))

    def _node(self, old: Object | None, new: Object | None) -> None:
        self._addresses.update(_addresses(old), _addresses(new))
        if isinstance(old, Node) and isinstance(new, Node) and old.zone == new.zone:
            return
        for node in (old, new):
            if isinstance(node, Node):
                self._pods(self._tables.pods_on(node.name))

    def _slice(self, old: Object | None, new: Object | None) -> None:
        slices = [item for item in (old, new) if isinstance(item, EndpointSlice)]
        self._services.update((item.namespace, item.service) for item in slices if item.service)
        if len({(item.service, *sorted(item.labels.items())) for item in slices}) == 1 and len(slices) == 2:
            moved = set(slices[0].endpoints) ^ set(slices[1].endpoints)
            self._addresses.update(endpoint.address for endpoint in moved)
        else:
            self._addresses.update(endpoint.address for item in slices for endpoint in item.endpoints)


def shown(changes: Iterable[Change]) -> bool:
    """Whether answers about the cluster's names can show a change, so that the serial has to move."""
    return any(_shown(old, new) for old, new in changes)


def _shown(old: Object | None, new: Object | None) -> bool:
    match new if new is not None else old:
        case Service() | EndpointSlice():
            return True
        case Namespace():
            return old is None or new is None
        case Pod():
            return _held(old) != _held(new)
        case _:
            return False


def _held(item: Object | None) -> frozenset[str]:
    """The addresses that a pod's own name can answer."""
    live = isinstance(item, Pod) and not item.finished
    return frozenset(_addresses(item)) if live else frozenset()


def _addresses(item: Object | None) -> tuple[str, ...]:
    return item.addresses if isinstance(item, Node | Service | Pod) else ()


def _address_facts(tables: Tables, identities: Identities, address: str) -> object:
    places = [(s.namespace, s.name, s.service, s.labels, endpoint) for s, endpoint in tables.endpoints_at.get(address)]
    identity = msgspec.structs.astuple(identities.find(address))
    return tables.services_at.get(address), places, tables.holders_at(address), identity
