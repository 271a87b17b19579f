"""The small cluster that everything is measured with: 200 services, 1,000 pods, of which 8 ask."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

SERVICES = 200
NAMESPACES = 10
PODS = 1000
ZONE = "cluster.local"
CLIENTS = tuple(f"127.0.1.{number}" for number in range(1, 9))
"""Addresses of the pods that ask."""
FOREIGN = "example.test"
"""The zone that the upstream answers, every name in it."""
FOREIGN_ADDRESS = "192.0.2.7"


def service(number: int) -> tuple[str, str, str]:
    """Name, namespace and address."""
    return f"svc-{number:03d}", f"ns-{number % NAMESPACES}", f"10.96.{number // 100}.{number % 100 + 1}"


def names() -> list[tuple[str, str]]:
    """Every service's domain name with its address."""
    found = []
    for number in range(SERVICES):
        name, namespace, address = service(number)
        found.append((f"{name}.{namespace}.svc.{ZONE}", address))
    return found


def write_manifests(folder: Path) -> None:
    """Kubernetes YAML for dnspolicy."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "namespaces.yaml").write_text("---\n".join(_namespaces()))
    (folder / "services.yaml").write_text("---\n".join(_services()))
    (folder / "pods.yaml").write_text("---\n".join(_pods()))


def _namespaces() -> Iterator[str]:
    for number in range(NAMESPACES):
        yield (
            f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: ns-{number}, uid: n-{number}, "
            f"labels: {{team: team-{number % 3}}}}}\n"
        )


def _services() -> Iterator[str]:
    for number in range(SERVICES):
        name, namespace, address = service(number)
        yield (
            f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}, uid: s-{number}}}\n"
            f"spec:\n  type: ClusterIP\n  clusterIP: {address}\n  clusterIPs: [{address}]\n"
            f"  selector: {{app: {name}}}\n  ports: [{{name: http, port: 80, protocol: TCP, targetPort: 8080}}]\n"
        )
        pods = ", ".join(
            f"{{addresses: [{pod_address(pod)}], conditions: {{ready: true}}, nodeName: node-{pod % 5}, "
            f"targetRef: {{kind: Pod, name: pod-{pod}, namespace: {namespace}}}}}"
            for pod in range(number, PODS, SERVICES)
        )
        yield (
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
            f"metadata: {{name: {name}-1, namespace: {namespace}, uid: e-{number}, "
            f"labels: {{kubernetes.io/service-name: {name}}}}}\n"
            "addressType: IPv4\nports: [{name: http, port: 8080, protocol: TCP}]\n"
            f"endpoints: [{pods}]\n"
        )


def _pods() -> Iterator[str]:
    for pod in range(PODS):
        address = pod_address(pod)
        yield (
            f"apiVersion: v1\nkind: Pod\nmetadata: {{name: pod-{pod}, namespace: ns-{pod % NAMESPACES}, uid: p-{pod}, "
            f"labels: {{app: svc-{pod % SERVICES:03d}, version: v{pod % 4}}}}}\n"
            f"spec: {{nodeName: node-{pod % 5}, serviceAccountName: default}}\n"
            f"status: {{phase: Running, podIP: {address}, podIPs: [{{ip: {address}}}]}}\n"
        )


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


def foreign(count: int, mark: str) -> Iterator[str]:
    """Names outside of the cluster, each once."""
    for number in range(count):
        yield f"{mark}-{number}.{FOREIGN}"
