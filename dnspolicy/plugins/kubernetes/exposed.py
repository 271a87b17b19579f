"""Which objects of the cluster the zone shows."""

from __future__ import annotations

from dnspolicy.cluster.objects import Endpoint, EndpointSlice, Pod, Service
from dnspolicy.cluster.view import ClusterView
from dnspolicy.plugins.kubernetes.config import Config


class Exposed:
    """The cluster through the options `namespaces`, `namespace_labels`, `labels` and `noendpoints`."""

    def __init__(self, config: Config, cluster: ClusterView) -> None:
        self._cluster = cluster
        self._endpoints = not config.noendpoints
        self._namespaces = frozenset(name.lower() for name in config.namespaces)
        self._selector = config.selector
        self._all = not self._selector.requirements
        self._namespace_selector = config.namespace_selector

    def namespace(self, name: str) -> bool:
        if "." in name or (self._namespaces and name not in self._namespaces):
            return False
        found = self._cluster.namespace(name)
        return found is not None and self._namespace_selector.accepts(found.labels)

    def service(self, namespace: str, name: str) -> Service | None:
        """A service, whatever its namespace. A name that is not one label is none."""
        found = self._cluster.service(namespace, name) if "." not in name else None
        return found if found is not None and (self._all or self._selector.accepts(found.labels)) else None

    def services(self) -> tuple[Service, ...]:
        """All services, whatever their namespaces."""
        return tuple(s for s in self._cluster.services() if self._all or self._selector.accepts(s.labels))

    def slices(self, namespace: str, service: str) -> tuple[EndpointSlice, ...]:
        if not self._endpoints:
            return ()
        found = self._cluster.slices(namespace, service)
        return found if self._all else tuple(s for s in found if self._selector.accepts(s.labels))

    def services_at(self, address: str) -> tuple[Service, ...]:
        """Services with this ClusterIP, whatever their namespaces."""
        found = self._cluster.services_at(address)
        return found if self._all else tuple(s for s in found if self._selector.accepts(s.labels))

    def endpoints_at(self, address: str) -> tuple[tuple[EndpointSlice, Endpoint], ...]:
        """Ready endpoints with this address, whatever their namespaces."""
        if not self._endpoints:
            return ()
        found = self._cluster.endpoints_at(address)
        return found if self._all else tuple(pair for pair in found if self._selector.accepts(pair[0].labels))

    def pods_at(self, address: str) -> tuple[Pod, ...]:
        """Pods with this address that are neither finished nor on their way out, whatever their namespaces."""
        return tuple(
            pod
            for pod in self._cluster.holders_at(address)
            if not pod.leaving and (self._all or self._selector.accepts(pod.labels))
        )
