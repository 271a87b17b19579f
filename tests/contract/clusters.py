"""The fake API server and the real one, behind the same hands."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from dnspolicy.cluster.apiserver.options import Connect
from dnspolicy.testing.apiserver import Threaded
from dnspolicy.testing.apiserver.resources import RESOURCES, Manifest
from tests.real.cluster import ADMIN, RealCluster

LIMITED = "limited"
"""A user that may do only what it is granted, and its bearer token."""
_NAMES = itertools.count(1)


def fresh_namespace() -> str:
    """A name that no other test uses."""
    return f"t{next(_NAMES)}"


class Cluster(Protocol):
    """`real` where some things cannot be commanded. `authority` is the file its certificate is checked by, if any.

    `owner` is how somebody connects who may do everything.
    """

    real: bool
    url: str
    owner: Connect
    token: str
    authority: Path | None

    def put(self, item: Manifest) -> int: ...

    def put_all(self, items: Iterable[Manifest]) -> None: ...

    def remove(self, kind: str, namespace: str, name: str) -> None: ...

    def empty(self, namespace: str) -> None:
        """Remove a namespace and all in it."""
        ...

    def compact(self) -> None:
        """Forget the history, for lists that go on."""
        ...

    def crash(self) -> None:
        """All connections break; nobody listens."""
        ...

    def come_back(self) -> None:
        """Listen again on the same port, with no history."""
        ...

    def grant(self, *plurals: str) -> None:
        """Let `LIMITED` list and watch exactly these."""
        ...


class Fake:
    real = False
    token = ADMIN
    authority = None

    def __init__(self, threaded: Threaded, *, open_to_all: bool = False) -> None:
        if not open_to_all:
            threaded.server.access.tokens = {ADMIN: "admin", LIMITED: LIMITED}
        self.server = server = threaded.server
        self.url = server.url
        self.owner = Connect(endpoint=server.url)
        self._threaded = threaded

    def put(self, item: Manifest) -> int:
        return self.server.put(item)

    def put_all(self, items: Iterable[Manifest]) -> None:
        for item in items:
            self.server.put(item)

    def remove(self, kind: str, namespace: str, name: str) -> None:
        self.server.remove(kind, namespace, name)

    def empty(self, namespace: str) -> None:
        for resource in RESOURCES:
            for item in self.server.store.held(resource):
                if item["metadata"].get("namespace") == namespace:
                    self.server.remove(resource.kind, namespace, item["metadata"]["name"])
        self.server.remove("Namespace", "", namespace)

    def compact(self) -> None:
        self.server.store.compact()

    def crash(self) -> None:
        self._threaded.stop()

    def come_back(self) -> None:
        self.server.store.advance()
        self.server.store.compact()
        self._threaded.start()

    def grant(self, *plurals: str) -> None:
        self.server.access.allow_only(LIMITED, plurals)


class Real:
    real = True
    token = ADMIN

    def __init__(self, cluster: RealCluster) -> None:
        self.cluster = cluster
        self.url = cluster.url
        self.authority = cluster.authority.certificate
        certificate, key = cluster.owner
        self.owner = Connect(endpoint=cluster.url, certificate=certificate, key=key, ca=self.authority)

    def put(self, item: Manifest) -> int:
        return self.cluster.control.put(item)

    def put_all(self, items: Iterable[Manifest]) -> None:
        self.cluster.control.put_all(items)

    def remove(self, kind: str, namespace: str, name: str) -> None:
        self.cluster.control.remove(kind, namespace, name)

    def empty(self, namespace: str) -> None:
        self.cluster.control.empty(namespace)

    def compact(self) -> None:
        self.cluster.compact()

    def crash(self) -> None:
        self.cluster.kill()

    def come_back(self) -> None:
        self.cluster.compact()
        self.cluster.start()

    def grant(self, *plurals: str) -> None:
        self.cluster.grant(LIMITED, *plurals)


def namespace(name: str, **labels: str) -> Manifest:
    return {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "labels": labels}}


def node(name: str, ip: str) -> Manifest:
    status = {"addresses": [{"type": "InternalIP", "address": ip}]}
    return {"kind": "Node", "apiVersion": "v1", "metadata": {"name": name}, "status": status}


def pod(space: str, name: str, ip: str, phase: str = "Running", **labels: str) -> Manifest:
    """A pod with its address in the status."""
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": space, "labels": labels},
        "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": "image"}]},
        "status": {"phase": phase, "podIP": ip, "podIPs": [{"ip": ip}]},
    }


def service(space: str, name: str, ip: str | None = None, **labels: str) -> Manifest:
    """With a cluster address (None lets the server choose), or headless with "None"."""
    spec: dict[str, Any] = {"ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}
    spec |= {} if ip is None else {"clusterIP": ip, "clusterIPs": [ip]}
    meta = {"name": name, "namespace": space, "labels": labels}
    return {"kind": "Service", "apiVersion": "v1", "metadata": meta, "spec": spec}


def endpoints(space: str, name: str, of: str, *backends: tuple[str, str]) -> Manifest:
    """A slice of a service; each back end is an address and a host name, which may be empty."""
    ready = [{"addresses": [ip], "hostname": host, "conditions": {"ready": True}} for ip, host in backends]
    return {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {"name": name, "namespace": space, "labels": {"kubernetes.io/service-name": of}},
        "addressType": "IPv4",
        "endpoints": [{key: value for key, value in backend.items() if value} for backend in ready],
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    }
