"""Kubernetes objects as they come, only the fields that are used; JSON bytes decode straight into these.

Every `trim` raises BadObject, which names the field.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec

from dnspolicy.cluster import objects
from dnspolicy.cluster.addresses import canonical
from dnspolicy.cluster.networks import network
from dnspolicy.cluster.sharing import Sharing
from dnspolicy.cluster.workload import workload
from dnspolicy.model.errors import BadName, DnsPolicyError
from dnspolicy.model.name import from_text

SERVICE_LABEL = "kubernetes.io/service-name"
_ZONE_LABELS = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")

T = TypeVar("T")
ObjectName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z", max_length=253)]
PortNumber = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class BadObject(DnsPolicyError):
    """An object cannot be used. `field` is where, such as `status.podIPs[0].ip`; the text says what is wrong."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field
        self.problem = problem


class _Raw(msgspec.Struct, rename="camel", gc=False):
    """Fields are read by their camel-case names; null is as good as absent wherever Kubernetes says so."""


class OwnerReference(_Raw):
    kind: str
    name: str
    controller: bool | None = None


class Meta(_Raw):
    name: ObjectName
    namespace: ObjectName | None = None
    uid: str | None = None
    labels: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None
    deletion_timestamp: datetime | None = None
    creation_timestamp: datetime | None = None


class Namespace(_Raw):
    metadata: Meta

    def trim(self, share: Sharing) -> objects.Namespace:
        return objects.Namespace(sys.intern(self.metadata.name), share.labels(self.metadata.labels))


class NodeAddress(_Raw):
    type: str
    address: str


class NodeStatus(_Raw):
    addresses: list[NodeAddress] | None = None


class NodeSpec(_Raw):
    pod_cidr: str | None = msgspec.field(name="podCIDR", default=None)
    pod_cidrs: list[str] | None = msgspec.field(name="podCIDRs", default=None)


class Node(_Raw):
    metadata: Meta
    spec: NodeSpec | None = None
    status: NodeStatus | None = None

    def trim(self, share: Sharing) -> objects.Node:
        labels = share.labels(self.metadata.labels)
        given = (self.status and self.status.addresses) or ()
        addresses = [
            _address(item.address, f"status.addresses[{at}].address")
            for at, item in enumerate(given)
            if item.type in ("InternalIP", "ExternalIP")
        ]
        zone = next((labels[label] for label in _ZONE_LABELS if labels.get(label)), None)
        return objects.Node(sys.intern(self.metadata.name), _distinct(addresses), labels, zone, self._networks())

    def _networks(self) -> tuple[str, ...]:
        spec = self.spec or NodeSpec()
        found = [("spec.podCIDR", spec.pod_cidr)] if spec.pod_cidr else []
        found += [(f"spec.podCIDRs[{at}]", cidr) for at, cidr in enumerate(spec.pod_cidrs or ())]
        for field, cidr in found:
            _checked(network, cidr, field)
        return tuple(dict.fromkeys(cidr for _, cidr in found if cidr))


class ServicePort(_Raw):
    port: PortNumber
    name: str | None = None
    protocol: str | None = None


class ServiceSpec(_Raw):
    type: str | None = None
    cluster_ip: str | None = msgspec.field(name="clusterIP", default=None)
    cluster_ips: list[str] | None = msgspec.field(name="clusterIPs", default=None)
    ports: list[ServicePort] | None = None
    external_name: str | None = None


class Service(_Raw):
    metadata: Meta
    spec: ServiceSpec | None = None

    def trim(self, share: Sharing) -> objects.Service:
        spec = self.spec or ServiceSpec()
        kind = _service_kind(spec)
        if kind is objects.ServiceKind.EXTERNAL_NAME:
            _checked(from_text, spec.external_name or "", "spec.externalName")
        return objects.Service(
            _namespace(self.metadata),
            sys.intern(self.metadata.name),
            kind,
            _cluster_ips(spec) if kind is objects.ServiceKind.CLUSTER_IP else (),
            tuple(_port(p.name, p.protocol, p.port) for p in spec.ports or ()),
            (spec.external_name or "") if kind is objects.ServiceKind.EXTERNAL_NAME else "",
            share.labels(self.metadata.labels),
        )


class TargetReference(_Raw):
    kind: str | None = None
    name: str | None = None


class Conditions(_Raw):
    ready: bool | None = None


class Endpoint(_Raw):
    addresses: list[str] | None = None
    conditions: Conditions | None = None
    hostname: str | None = None
    target_ref: TargetReference | None = None
    node_name: str | None = None
    zone: str | None = None


class EndpointPort(_Raw):
    name: str | None = None
    protocol: str | None = None
    port: PortNumber | None = None


class EndpointSlice(_Raw):
    metadata: Meta
    address_type: str | None = None
    endpoints: list[Endpoint] | None = None
    ports: list[EndpointPort] | None = None

    def trim(self, share: Sharing) -> objects.EndpointSlice:
        labels = share.labels(self.metadata.labels)
        return objects.EndpointSlice(
            _namespace(self.metadata),
            self.metadata.name,
            labels.get(SERVICE_LABEL, ""),
            () if self.address_type == "FQDN" else tuple(self._ready()),
            tuple(_port(p.name, p.protocol, p.port) for p in self.ports or () if p.port is not None),
            labels,
        )

    def _ready(self) -> Iterable[objects.Endpoint]:
        for at, endpoint in enumerate(self.endpoints or ()):
            if endpoint.conditions is not None and endpoint.conditions.ready is False:
                continue
            target = endpoint.target_ref
            pod = target.name or "" if target is not None and target.kind == "Pod" else ""
            for position, text in enumerate(endpoint.addresses or ()):
                yield objects.Endpoint(
                    _address(text, f"endpoints[{at}].addresses[{position}]"),
                    True,
                    endpoint.hostname or "",
                    sys.intern(pod),
                    sys.intern(endpoint.node_name or ""),
                    sys.intern(endpoint.zone or ""),
                )


class PodAddress(_Raw):
    ip: str | None = None


class PodSpec(_Raw):
    node_name: str | None = None
    service_account_name: str | None = None
    host_network: bool | None = None


class PodStatus(_Raw):
    phase: str | None = None
    pod_ip: str | None = msgspec.field(name="podIP", default=None)
    pod_ips: list[PodAddress] | None = msgspec.field(name="podIPs", default=None)
    start_time: datetime | None = None


class Pod(_Raw):
    metadata: Meta
    spec: PodSpec | None = None
    status: PodStatus | None = None

    def trim(self, share: Sharing) -> objects.Pod:
        meta, spec, status = self.metadata, self.spec or PodSpec(), self.status or PodStatus()
        labels = share.labels(meta.labels)
        references = [(r.kind, r.name) for r in meta.owner_references or () if r.controller]
        started = status.start_time or meta.creation_timestamp
        return objects.Pod(
            _namespace(meta),
            sys.intern(meta.name),
            meta.uid or "",
            _pod_ips(status),
            bool(spec.host_network),
            status.phase in ("Succeeded", "Failed"),
            meta.deletion_timestamp is not None,
            _seconds(started) if started is not None else 0.0,
            labels,
            sys.intern(spec.service_account_name or "default"),
            sys.intern(spec.node_name) if spec.node_name else None,
            workload(references, labels),
        )


RawObject = Namespace | Node | Service | EndpointSlice | Pod


def _service_kind(spec: ServiceSpec) -> objects.ServiceKind:
    if spec.type == "ExternalName":
        if not spec.external_name:
            raise BadObject("spec.externalName", "expected a domain name, because spec.type is ExternalName")
        return objects.ServiceKind.EXTERNAL_NAME
    if spec.cluster_ip == "None" or "None" in (spec.cluster_ips or ()):
        return objects.ServiceKind.HEADLESS
    return objects.ServiceKind.CLUSTER_IP


def _cluster_ips(spec: ServiceSpec) -> tuple[str, ...]:
    found = [(f"spec.clusterIPs[{at}]", text) for at, text in enumerate(spec.cluster_ips or ())]
    found = found or [("spec.clusterIP", spec.cluster_ip or "")]
    return _distinct(_address(text, field) for field, text in found if text)


def _pod_ips(status: PodStatus) -> tuple[str, ...]:
    found = [("status.podIP", status.pod_ip)]
    found += [(f"status.podIPs[{at}].ip", item.ip) for at, item in enumerate(status.pod_ips or ())]
    return _distinct(_address(text, field) for field, text in found if text)


def _namespace(meta: Meta) -> str:
    return sys.intern(meta.namespace or "default")


def _address(text: str, field: str) -> str:
    return sys.intern(_checked(canonical, text, field))


def _checked(read: Callable[[str], T], text: str, field: str) -> T:
    try:
        return read(text)
    except (ValueError, BadName) as problem:
        raise BadObject(field, str(problem)) from None


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _port(name: str | None, protocol: str | None, number: int) -> objects.Port:
    return objects.Port(sys.intern(name or ""), sys.intern((protocol or "TCP").lower()), number)


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
