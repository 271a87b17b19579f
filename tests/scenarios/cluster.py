"""A cluster in short-hand, as the stories write it, and the Kubernetes manifests it stands for.

    namespaces: {acorn: {dns.example/tenant: acorn}, birch:}
    nodes:      {node-1: 127.1.0.1}                         # or {ip:, zone:}
    networks:   [127.10.0.0/16]                             # pod networks, held by a node of their own
    pods:       {acorn/web-0: 127.10.1.1}                   # or {ip:, labels:, uid:, phase:, node:, account:, ...}
    services:   {acorn/web: 10.96.1.1}                      # or {ip:, ports:, endpoints:, external_name:, labels:}

`endpoints` are pods of the service's namespace, with their node and its zone, or addresses; `gone` in place of an
object takes it away.
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

Raw = dict[str, Any]
KINDS = ("namespaces", "nodes", "networks", "pods", "services")
GONE = "gone"
ZONE = "topology.kubernetes.io/zone"


def merged(cluster: Mapping[str, Any], change: Mapping[str, Any]) -> Raw:
    """The cluster after a change."""
    result: Raw = {kind: cluster.get(kind) or {} for kind in KINDS}
    for kind, objects in change.items():
        if kind not in KINDS:
            raise ValueError(f"a cluster has no {kind}; expected one of {', '.join(KINDS)}")
        if isinstance(objects, list):
            result[kind] = objects
            continue
        held = {**result[kind], **objects}
        result[kind] = {name: said for name, said in held.items() if said != GONE}
    return result


def manifests(cluster: Mapping[str, Any]) -> list[Raw]:
    """Every object of the short-hand."""
    found = [_object("v1", "Namespace", name, labels=labels) for name, labels in (cluster["namespaces"] or {}).items()]
    for number, network in enumerate(cluster["networks"] or ()):
        found.append(_object("v1", "Node", f"network-{number}", spec={"podCIDR": network}))
    nodes = {name: _said(said, "ip") for name, said in (cluster["nodes"] or {}).items()}
    found += [_node(name, said) for name, said in nodes.items()]
    pods = {name: _said(said, "ip") for name, said in (cluster["pods"] or {}).items()}
    found += [_pod(name, said) for name, said in pods.items()]
    for name, said in (cluster["services"] or {}).items():
        found += _service(name, _said(said, "ip"), pods, nodes)
    return found


def addresses(said: Any) -> list[str]:
    """The addresses of a pod, from its short-hand."""
    ip = _said(said, "ip").get("ip", [])
    return ip if isinstance(ip, list) else [ip]


def _said(said: Any, main: str) -> Raw:
    return dict(said) if isinstance(said, dict) else {main: said}


def _object(version: str, kind: str, name: str, *, labels: Any = None, **rest: Any) -> Raw:
    namespace, _, short = name.rpartition("/")
    meta: Raw = {"name": short, "labels": {key: str(text) for key, text in (labels or {}).items()}}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": meta, **rest}


def _node(name: str, said: Raw) -> Raw:
    labels = {ZONE: said["zone"]} if "zone" in said else None
    return _object(
        "v1", "Node", name, labels=labels, status={"addresses": [{"type": "InternalIP", "address": said["ip"]}]}
    )


def _pod(name: str, said: Raw) -> Raw:
    ips = addresses(said)
    status: Raw = {"phase": said.get("phase", "Running")}
    if ips:
        status |= {"podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]}
    if "started" in said:
        status["startTime"] = str(said["started"])
    spec = {"hostNetwork": said.get("host_network", False), "nodeName": said.get("node", "node-1")}
    if "account" in said:
        spec["serviceAccountName"] = said["account"]
    pod = _object("v1", "Pod", name, labels=said.get("labels"), spec=spec, status=status)
    pod["metadata"]["uid"] = said.get("uid") or str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    if "owner" in said:
        kind, _, called = said["owner"].partition(" ")
        pod["metadata"]["ownerReferences"] = [{"kind": kind, "name": called, "controller": True}]
    if said.get("leaving"):
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return pod


def _service(name: str, said: Raw, pods: Mapping[str, Raw], nodes: Mapping[str, Raw]) -> Iterator[Raw]:
    ports = [_port(text) for text in said.get("ports", ["http/tcp/80"])]
    if "external_name" in said:
        yield _object("v1", "Service", name, spec={"type": "ExternalName", "externalName": said["external_name"]})
        return
    ips = said.get("ip", "None")
    ips = ips if isinstance(ips, list) else [ips]
    spec = {"type": "ClusterIP", "clusterIP": ips[0], "clusterIPs": ips, "ports": ports}
    yield _object("v1", "Service", name, labels=said.get("labels"), spec=spec)
    endpoints = [_endpoint(name, text, pods, nodes) for text in said.get("endpoints", ["192.0.2.250"])]
    for family in ("IPv4", "IPv6"):
        held = [e for e in endpoints if f"IPv{ipaddress.ip_address(e['addresses'][0]).version}" == family]
        if held:
            labels = {"kubernetes.io/service-name": name.rpartition("/")[2]}
            yield _object(
                "discovery.k8s.io/v1", "EndpointSlice", f"{name}-{family.lower()}", labels=labels, addressType=family,
                endpoints=held, ports=ports,
            )  # fmt: skip


def _endpoint(service: str, text: str, pods: Mapping[str, Raw], nodes: Mapping[str, Raw]) -> Raw:
    pod = pods.get(f"{service.rpartition('/')[0]}/{text}")
    if pod is None:
        return {"addresses": [text], "conditions": {"ready": True}}
    reference = {"kind": "Pod", "name": text}
    endpoint = {"addresses": [addresses(pod)[0]], "conditions": {"ready": True}, "targetRef": reference}
    node = nodes.get(pod.get("node", ""))
    return endpoint if node is None else endpoint | {"nodeName": pod["node"], "zone": node.get("zone", "")}


def _port(text: str) -> Raw:
    name, protocol, number = text.split("/")
    return {"name": name, "protocol": protocol.upper(), "port": int(number)}
