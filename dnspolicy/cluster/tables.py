"""The objects, and the tables by which they are found. Changes nothing but itself and announces nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from dnspolicy.cluster.networks import Network, Networks, around, contains, network
from dnspolicy.cluster.objects import (
    Endpoint,
    EndpointSlice,
    Kind,
    Namespace,
    Node,
    Object,
    ObjectKey,
    Pod,
    Service,
    ServiceKind,
)

Key = tuple[str, str]
"""Namespace and name."""

Place = tuple[EndpointSlice, Endpoint]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Groups(Generic[K, T]):
    """Things by a key. Those of one key stand in the order of `order`, whatever the order they came in."""

    def __init__(self, order: Callable[[T], Key | str]) -> None:
        self._groups: dict[K, tuple[T, ...]] = {}
        self._order = order

    def get(self, key: K) -> tuple[T, ...]:
        return self._groups.get(key, ())

    def add(self, key: K, item: T) -> None:
        group = self._groups.get(key)
        self._groups[key] = (item,) if group is None else tuple(sorted((*group, item), key=self._order))

    def drop(self, key: K, gone: Callable[[T], bool]) -> None:
        left = tuple(item for item in self._groups.get(key, ()) if not gone(item))
        if left:
            self._groups[key] = left
        else:
            self._groups.pop(key, None)


def _place(item: Service | EndpointSlice | Pod) -> Key:
    return item.namespace, item.name


class Tables:
    """Everything known of the cluster. Readers look, `add` and `drop` are the index's.

    `holders` has every pod with the address: finished and hostNetwork ones too.
    """

    def __init__(self) -> None:
        self.namespaces: dict[str, Namespace] = {}
        self.nodes: dict[str, Node] = {}
        self.services: dict[Key, Service] = {}
        self.slices: dict[Key, EndpointSlice] = {}
        self.pods: dict[str, dict[str, Pod]] = {}
        self.slices_of: Groups[Key, EndpointSlice] = Groups(_place)
        self.services_at: Groups[str, Service] = Groups(_place)
        self.endpoints_at: Groups[str, Place] = Groups(lambda pair: _place(pair[0]))
        self.holders: Groups[str, Pod] = Groups(_place)
        self.nodes_at: Groups[str, Node] = Groups(lambda node: node.name)
        self.networks = Networks()
        self._pods_on: dict[str, dict[Key, Pod]] = {}
        self._node_networks: dict[str, tuple[Network, ...]] = {}

    def get(self, key: ObjectKey) -> Object | None:
        match key.kind:
            case Kind.NAMESPACE:
                return self.namespaces.get(key.name)
            case Kind.NODE:
                return self.nodes.get(key.name)
            case Kind.SERVICE:
                return self.services.get((key.namespace, key.name))
            case Kind.ENDPOINT_SLICE:
                return self.slices.get((key.namespace, key.name))
            case Kind.POD:
                return self.pod(key.namespace, key.name)

    def all(self, kind: Kind) -> Iterator[Object]:
        """All objects of a kind, in no order."""
        match kind:
            case Kind.NAMESPACE:
                return iter(self.namespaces.values())
            case Kind.NODE:
                return iter(self.nodes.values())
            case Kind.SERVICE:
                return iter(self.services.values())
            case Kind.ENDPOINT_SLICE:
                return iter(self.slices.values())
            case Kind.POD:
                return (pod for pods in self.pods.values() for pod in pods.values())

    def pod(self, namespace: str, name: str) -> Pod | None:
        pods = self.pods.get(namespace)
        return None if pods is None else pods.get(name)

    def pods_in(self, namespace: str) -> Iterator[Pod]:
        return iter(self.pods.get(namespace, {}).values())

    def pods_on(self, node: str) -> Iterator[Pod]:
        return iter(self._pods_on.get(node, {}).values())

    def pods_at(self, address: str) -> tuple[Pod, ...]:
        """Live pods with this address, without hostNetwork pods."""
        pods = self.holders.get(address)
        return tuple(p for p in pods if not (p.finished or p.host_network)) if pods else pods

    def holders_at(self, address: str) -> tuple[Pod, ...]:
        """Live pods with this address, hostNetwork pods included."""
        return tuple(p for p in self.holders.get(address) if not p.finished)

    def counts(self) -> dict[Kind, int]:
        return {
            Kind.NAMESPACE: len(self.namespaces),
            Kind.NODE: len(self.nodes),
            Kind.SERVICE: len(self.services),
            Kind.ENDPOINT_SLICE: len(self.slices),
            Kind.POD: sum(map(len, self.pods.values())),
        }

    def add(self, item: Object) -> None:
        """Take in an object whose key is free."""
        match item:
            case Namespace():
                self.namespaces[item.name] = item
            case Node():
                self._add_node(item)
            case Service():
                self.services[_place(item)] = item
                for address in _service_addresses(item):
                    self.services_at.add(address, item)
            case EndpointSlice():
                self._add_slice(item)
            case Pod():
                self._add_pod(item)

    def drop(self, item: Object) -> None:
        """Forget an object that `get` gave."""
        match item:
            case Namespace():
                del self.namespaces[item.name]
            case Node():
                self._drop_node(item)
            case Service():
                del self.services[_place(item)]
                for address in _service_addresses(item):
                    self.services_at.drop(address, lambda other: other is item)
            case EndpointSlice():
                self._drop_slice(item)
            case Pod():
                self._drop_pod(item)

    def _add_slice(self, item: EndpointSlice) -> None:
        self.slices[_place(item)] = item
        if not item.service:
            return
        self.slices_of.add((item.namespace, item.service), item)
        for endpoint in item.endpoints:
            self.endpoints_at.add(endpoint.address, (item, endpoint))

    def _drop_slice(self, item: EndpointSlice) -> None:
        del self.slices[_place(item)]
        if not item.service:
            return
        self.slices_of.drop((item.namespace, item.service), lambda other: other is item)
        for endpoint in item.endpoints:
            self.endpoints_at.drop(endpoint.address, lambda pair: pair[0] is item)

    def _add_pod(self, item: Pod) -> None:
        self.pods.setdefault(item.namespace, {})[item.name] = item
        if item.node is not None:
            self._pods_on.setdefault(item.node, {})[_place(item)] = item
        for address in dict.fromkeys(item.addresses):
            self.holders.add(address, item)
        self.networks.add(self._spread(item))

    def _drop_pod(self, item: Pod) -> None:
        self.networks.drop(self._spread(item))
        for address in dict.fromkeys(item.addresses):
            self.holders.drop(address, lambda other: other is item)
        del self.pods[item.namespace][item.name]
        if not self.pods[item.namespace]:
            del self.pods[item.namespace]
        if item.node is not None:
            del self._pods_on[item.node][_place(item)]
            if not self._pods_on[item.node]:
                del self._pods_on[item.node]

    def _add_node(self, item: Node) -> None:
        pods = tuple(self.pods_on(item.name))
        for pod in pods:
            self.networks.drop(self._spread(pod))
        self.nodes[item.name] = item
        for address in dict.fromkeys(item.addresses):
            self.nodes_at.add(address, item)
        if item.networks:
            self._node_networks[item.name] = tuple(map(network, item.networks))
            self.networks.add(self._node_networks[item.name])
        for pod in pods:
            self.networks.add(self._spread(pod))

    def _drop_node(self, item: Node) -> None:
        pods = tuple(self.pods_on(item.name))
        for pod in pods:
            self.networks.drop(self._spread(pod))
        del self.nodes[item.name]
        for address in dict.fromkeys(item.addresses):
            self.nodes_at.drop(address, lambda other: other is item)
        self.networks.drop(self._node_networks.pop(item.name, ()))
        for pod in pods:
            self.networks.add(self._spread(pod))

    def _spread(self, pod: Pod) -> list[Network]:
        """Networks that this pod shows to be pod networks: around its addresses, where its node names none."""
        if pod.host_network:
            return []
        given = self._node_networks.get(pod.node or "", ())
        return [around(address) for address in pod.addresses if not contains(given, address)]


def _service_addresses(item: Service) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.addresses)) if item.kind is ServiceKind.CLUSTER_IP else ()
