"""The clusters that everything is measured with: 200 services and 1,000 pods, or 5,000 of both; 8 of the pods ask."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from dnspolicy.testing.apiserver.resources import Manifest

SERVICES = 200
NAMESPACES = 10
PODS = 1000
BIG = 5000
"""Services, and pods, of the big cluster."""
ZONE = "cluster.local"
CLIENTS = tuple(f"127.0.1.{number}" for number in range(1, 9))
"""Addresses of the pods that ask."""
FOREIGN = "example.test"
"""The zone that the upstream answers, every name in it."""
FOREIGN_ADDRESS = "192.0.2.7"
EMPTY = "internal"
"""A zone of the upstream without names; the machines' own search list lies in it."""
MACHINE_SEARCH = (f"a.project.{EMPTY}", f"project.{EMPTY}")


def service(number: int) -> tuple[str, str, str]:
    """Name, namespace and address."""
    return f"svc-{number:03d}", f"ns-{number % NAMESPACES}", f"10.97.{number // 100}.{number % 100 + 1}"


def names(count: int = SERVICES) -> list[tuple[str, str]]:
    """The domain names of the first services with their addresses."""
    found = []
    for number in range(count):
        name, namespace, address = service(number)
        found.append((f"{name}.{namespace}.svc.{ZONE}", address))
    return found


def small() -> Iterator[Manifest]:
    """The objects of the small cluster. Each service has the endpoints of the pods of its number."""
    yield from map(_namespace, range(NAMESPACES))
    yield from map(_pod, range(PODS))
    for number in range(SERVICES):
        yield from _service(number, range(number, PODS, SERVICES))


def growth() -> Iterator[Manifest]:
    """What makes a big cluster of the small one."""
    yield from map(_pod, range(PODS, BIG))
    for number in range(SERVICES, BIG):
        yield from _service(number, (number,))


def write_manifests(folder: Path) -> None:
    """The small cluster as Kubernetes YAML for dnspolicy."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cluster.yaml").write_text("\n---\n".join(map(json.dumps, small())) + "\n")


def _namespace(number: int) -> Manifest:
    meta = {"name": f"ns-{number}", "labels": {"team": f"team-{number % 3}"}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}


def _service(number: int, pods: Iterable[int]) -> Iterator[Manifest]:
    name, namespace, address = service(number)
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": address,
            "clusterIPs": [address],
            "selector": {"app": name},
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}],
        },
    }
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-1",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        # The pods that ask have loopback addresses, which no endpoint can have.
        "endpoints": [_endpoint(pod) for pod in pods if pod >= len(CLIENTS)],
    }


def _endpoint(pod: int) -> Manifest:
    return {
        "addresses": [pod_address(pod)],
        "conditions": {"ready": True},
        "nodeName": f"node-{pod % 5}",
        "targetRef": {"kind": "Pod", "name": f"pod-{pod}", "namespace": f"ns-{pod % NAMESPACES}"},
    }


def _pod(pod: int) -> Manifest:
    address = pod_address(pod)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"pod-{pod}",
            "namespace": f"ns-{pod % NAMESPACES}",
            "labels": {"app": f"svc-{pod % SERVICES:03d}", "version": f"v{pod % 4}"},
        },
        "spec": {
            "nodeName": f"node-{pod % 5}",
            "serviceAccountName": "default",
            "containers": [{"name": "app", "image": "registry.example/app"}],
        },
        "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]},
    }


def pod_address(pod: int) -> str:
    return CLIENTS[pod] if pod < len(CLIENTS) else f"10.244.{pod // 250}.{pod % 250 + 1}"


TENANT_POLICY = """package dnspolicy

import rego.v1

decision := {"action": "block", "rule": "tenant/secret", "reason": "nobody may", "as": "refused"} if {
    input.target.namespace == "secret"
} else := {"action": "allow", "rule": "tenant/external", "reason": "not of the cluster"} if {
    input.target.kind == "external"
} else := {"action": "allow", "rule": "tenant/any", "reason": "known namespace"} if {
    startswith(input.client.namespace, "ns-")
}
"""
"""Reads namespaces only, so a decision is remembered for many names."""

NAME_POLICY = """package dnspolicy

import rego.v1

decision := {"action": "block", "rule": "name/blocked", "reason": "on the list", "as": "refused"} if {
    startswith(input.query.name, "blocked-")
} else := {"action": "allow", "rule": "name/any", "reason": "not on the list"}
"""
"""Reads the name, so that every new name needs a decision."""


def write_policy(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.rego").write_text(text)


def write_hosts(path: Path) -> None:
    path.write_text("".join(f"{address} {name}\n" for name, address in names()))


def write_zone(path: Path) -> None:
    """The cluster's names as a zone file."""
    head = (
        f"$ORIGIN {ZONE}.\n$TTL 5\n@ IN SOA ns.dns hostmaster 1 7200 1800 86400 5\n"
        "@ IN NS ns.dns\nns.dns IN A 127.0.0.1\n"
    )
    path.write_text(head + "".join(f"{name}. IN A {address}\n" for name, address in names()))


def write_foreign_zone(path: Path) -> None:
    path.write_text(
        f"$ORIGIN {FOREIGN}.\n$TTL 30\n@ IN SOA ns hostmaster 1 7200 1800 86400 5\n@ IN NS ns\nns IN A 127.0.0.1\n"
        f"* IN A {FOREIGN_ADDRESS}\n"
    )


def write_empty_zone(path: Path) -> None:
    path.write_text(
        f"$ORIGIN {EMPTY}.\n$TTL 30\n@ IN SOA ns hostmaster 1 7200 1800 86400 30\n@ IN NS ns\nns IN A 127.0.0.1\n"
    )


def mixed_case(count: int) -> Iterator[str]:
    """Names of the cluster, no two with the same letters: what a memo keyed by the question's bytes cannot know."""
    made = 0
    tails = list(_cased(f"svc.{ZONE}"))
    for at, tail in enumerate(tails):
        for number in range(SERVICES):
            name, namespace, _ = service(number)
            head = f"{name}.{namespace}"
            yield f"{_nth_case(head, at // 7)}.{tail}"
            made += 1
            if made == count:
                return


def _cased(text: str) -> Iterator[str]:
    letters = [(char.lower(), char.upper()) if char.isalpha() else (char,) for char in text]
    return map("".join, product(*letters))


def _nth_case(text: str, number: int) -> str:
    out = []
    for char in text:
        out.append(char.upper() if char.isalpha() and number & 1 else char)
        number >>= char.isalpha()
    return "".join(out)


def missing(count: int, mark: str) -> Iterator[str]:
    """Names that do not exist, each once."""
    for number in range(count):
        yield f"{mark}-{number}.ns-{number % NAMESPACES}.svc.{ZONE}"


def searched(count: int, client: str) -> Iterator[str]:
    """Names outside of the cluster as the resolver of a pod first asks for them."""
    namespace = f"ns-{CLIENTS.index(client) % NAMESPACES}"
    for number in range(SERVICES):
        yield f"site-{number}.{FOREIGN}.{namespace}.svc.{ZONE}"


def foreign(count: int, mark: str) -> Iterator[str]:
    """Names outside of the cluster, each once."""
    for number in range(count):
        yield f"{mark}-{number}.{FOREIGN}"
