"""The fixtures of the cases as Kubernetes objects."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

import yaml

Object = dict[str, Any]
NODE = "node-1"


def manifests(fixtures: Mapping[str, Any]) -> str:
    """All objects as one YAML text of several documents."""
    return yaml.safe_dump_all(objects(fixtures), sort_keys=False)


def objects(fixtures: Mapping[str, Any]) -> list[Object]:
    """All objects, as an API server takes them; namespaces first."""
    found = [_object("v1", "Namespace", name, labels) for name, labels in fixtures["namespaces"].items()]
    found.append(_object("v1", "Node", NODE))
    found += [_service(name, spec) for name, spec in fixtures["services"].items()]
    found += [_slice(spec, number) for number, spec in enumerate(fixtures["slices"])]
    found += [_pod(spec) for spec in fixtures["pods"]]
    return found


def _object(version: str, kind: str, name: str, labels: Mapping[str, str] | None = None, **rest: Any) -> Object:
    namespace, _, short = name.rpartition("/")
    meta: Object = {"name": short, "labels": dict(labels or {})}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": meta, **rest}


def _service(name: str, spec: Mapping[str, Any]) -> Object:
    if "external" in spec:
        return _object("v1", "Service", name, spec={"type": "ExternalName", "externalName": spec["external"]})
    addresses = ["None"] if spec.get("headless") else spec["ip"]
    ports = [_port(port) for port in spec["ports"]]
    body: Object = {"type": "ClusterIP", "clusterIP": addresses[0], "clusterIPs": addresses, "ports": ports}
    if addresses != ["None"]:
        body["ipFamilies"] = [f"IPv{ipaddress.ip_address(ip).version}" for ip in addresses]
        body["ipFamilyPolicy"] = "RequireDualStack" if len(addresses) > 1 else "SingleStack"
    return _object("v1", "Service", name, spec.get("labels"), spec=body)


def _slice(spec: Mapping[str, Any], number: int) -> Object:
    labels = {"kubernetes.io/service-name": spec["svc"].rpartition("/")[2], **spec.get("labels", {})}
    namespace = spec["svc"].partition("/")[0]
    endpoints = [_endpoint(endpoint, namespace) for endpoint in spec.get("ep", ())]
    if "ep_range" in spec:
        first, count = spec["ep_range"]
        endpoints += [_endpoint({"a": str(ipaddress.ip_address(first) + n)}, namespace) for n in range(count)]
    family = f"IPv{ipaddress.ip_address(endpoints[0]['addresses'][0]).version}"
    return _object(
        "discovery.k8s.io/v1", "EndpointSlice", f"{spec['svc']}-s{number}", labels, addressType=family,
        endpoints=endpoints, ports=[_port(port) for port in spec["ports"]],
    )  # fmt: skip


def _endpoint(spec: Mapping[str, Any], namespace: str) -> Object:
    ready = spec.get("r", True)
    found: Object = {"addresses": [spec["a"]], "conditions": {} if ready is None else {"ready": ready}}
    if spec.get("leaves"):
        found["conditions"] = {"ready": False, "serving": True, "terminating": True}
    if "h" in spec:
        found["hostname"] = spec["h"]
    if "z" in spec:
        found["zone"] = spec["z"]
    if "pod" in spec:
        found["targetRef"] = {"kind": "Pod", "namespace": namespace, "name": spec["pod"]}
    return found


def _port(text: str) -> Object:
    name, protocol, number = text.split("/")
    return {**({} if name == "-" else {"name": name}), "protocol": protocol, "port": int(number)}


def _pod(spec: Mapping[str, Any]) -> Object:
    addresses = [{"ip": ip} for ip in spec["ips"]]
    status = {"phase": spec.get("phase", "Running"), "podIP": spec["ips"][0], "podIPs": addresses}
    body: Object = {"nodeName": NODE, "containers": [{"name": "main", "image": "none"}]}
    if spec.get("hostNetwork"):
        body["hostNetwork"] = True
        status["hostIP"] = spec["ips"][0]
    pod = _object("v1", "Pod", spec["name"], spec.get("labels"), spec=body, status=status)
    if "deletionTimestamp" in spec:
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return pod
