"""Kubernetes objects, trimmed to what answers and identities need.

They cannot form cycles, so the collector need not look at them: there may be many, and it stops everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import overload

import msgspec

from dnspolicy.model.identity import NO_LABELS, Owner


class Kind(StrEnum):
    """Kinds of objects the index holds, by their Kubernetes names."""

    NAMESPACE = "Namespace"
    NODE = "Node"
    SERVICE = "Service"
    ENDPOINT_SLICE = "EndpointSlice"
    POD = "Pod"


class ServiceKind(StrEnum):
    CLUSTER_IP = "ClusterIP"
    HEADLESS = "Headless"
    EXTERNAL_NAME = "ExternalName"


class Port(msgspec.Struct, frozen=True, gc=False):
    """`name` is empty for an unnamed port; `protocol` in lower case (`tcp`, `udp`, `sctp`)."""

    name: str
    protocol: str
    number: int


class Namespace(msgspec.Struct, frozen=True, gc=False):
    name: str
    labels: Mapping[str, str] = NO_LABELS


class Node(msgspec.Struct, frozen=True, gc=False):
    """`addresses` are canonical text; `networks` are the pod networks given to the node (CIDR)."""

    name: str
    addresses: tuple[str, ...] = ()
    labels: Mapping[str, str] = NO_LABELS
    zone: str | None = None
    networks: tuple[str, ...] = ()


class Service(msgspec.Struct, frozen=True, gc=False):
    """`addresses` are the ClusterIPs, canonical; empty unless `kind` is CLUSTER_IP."""

    namespace: str
    name: str
    kind: ServiceKind
    addresses: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    external_name: str = ""
    labels: Mapping[str, str] = NO_LABELS


class Endpoint(msgspec.Struct, frozen=True, gc=False):
    """One address of a slice (an endpoint with several addresses becomes several)."""

    address: str
    ready: bool = True
    hostname: str = ""
    pod: str = ""
    node: str = ""
    zone: str = ""


class EndpointSlice(msgspec.Struct, frozen=True, gc=False):
    """`service` is the label `kubernetes.io/service-name`. `endpoints` holds ready ones only."""

    namespace: str
    name: str
    service: str
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[Port, ...] = ()
    labels: Mapping[str, str] = NO_LABELS


class Pod(msgspec.Struct, frozen=True, gc=False):
    """`addresses` are all of `status.podIPs`, canonical. `finished`: Succeeded or Failed, the address is given back.

    `started` is wall time (seconds) or 0 when not said. `leaving`: being deleted, may still ask.
    """

    namespace: str
    name: str
    uid: str = ""
    addresses: tuple[str, ...] = ()
    host_network: bool = False
    finished: bool = False
    leaving: bool = False
    started: float = 0.0
    labels: Mapping[str, str] = NO_LABELS
    service_account: str = "default"
    node: str | None = None
    owner: Owner | None = None


Object = Namespace | Node | Service | EndpointSlice | Pod


class Thing(msgspec.Struct, frozen=True, gc=False):
    """An object of any kind. `namespace` is empty where its kind has none; `fields` is JSON: what was asked for."""

    namespace: str
    name: str
    fields: bytes


class ObjectKey(msgspec.Struct, frozen=True, gc=False):
    """Where an object stands. `namespace` is empty for namespaces and nodes.

    `uid` matters for removals of pods only: a pod of another UID that has taken the name since is left alone.
    """

    kind: Kind
    namespace: str
    name: str
    uid: str = ""


class ThingKey(msgspec.Struct, frozen=True, gc=False):
    """Where a thing stands among those of its kind."""

    namespace: str
    name: str
    uid: str = ""


@overload
def key_of(item: Object) -> ObjectKey: ...
@overload
def key_of(item: Thing) -> ThingKey: ...
def key_of(item: Object | Thing) -> ObjectKey | ThingKey:
    """The key of an object, without UID."""
    match item:
        case Thing():
            return ThingKey(item.namespace, item.name)
        case Namespace():
            return ObjectKey(Kind.NAMESPACE, "", item.name)
        case Node():
            return ObjectKey(Kind.NODE, "", item.name)
        case Service():
            return ObjectKey(Kind.SERVICE, item.namespace, item.name)
        case EndpointSlice():
            return ObjectKey(Kind.ENDPOINT_SLICE, item.namespace, item.name)
        case Pod():
            return ObjectKey(Kind.POD, item.namespace, item.name)
