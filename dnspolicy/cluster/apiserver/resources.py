"""Where the kinds of objects are served, and what their messages say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from dnspolicy.cluster import raw
from dnspolicy.cluster.objects import Kind, ObjectKey
from dnspolicy.cluster.raw import BadObject, RawObject

T = TypeVar("T")
LIVE_PODS = "status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown"
"""A pod that leaves this selection is reported as deleted: its address is free."""


class Resource(msgspec.Struct, frozen=True, eq=False):
    """One kind of objects: its collection's path, its plural name, the struct it is read by, a field selector."""

    kind: Kind
    plural: str
    path: str
    raw: type[RawObject]
    fields: str = ""


RESOURCES: Mapping[Kind, Resource] = {
    resource.kind: resource
    for resource in (
        Resource(Kind.NAMESPACE, "namespaces", "/api/v1/namespaces", raw.Namespace),
        Resource(Kind.NODE, "nodes", "/api/v1/nodes", raw.Node),
        Resource(Kind.SERVICE, "services", "/api/v1/services", raw.Service),
        Resource(Kind.ENDPOINT_SLICE, "endpointslices", "/apis/discovery.k8s.io/v1/endpointslices", raw.EndpointSlice),
        Resource(Kind.POD, "pods", "/api/v1/pods", raw.Pod, LIVE_PODS),
    )
}


class _Annotations(msgspec.Struct):
    ended: str | None = msgspec.field(name="k8s.io/initial-events-end", default=None)
    triggered: str | None = msgspec.field(name="endpoints.kubernetes.io/last-change-trigger-time", default=None)


class _Meta(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    annotations: _Annotations | None = None


class Stub(msgspec.Struct):
    """What every object says of itself."""

    metadata: _Meta

    @property
    def version(self) -> str:
        return self.metadata.resource_version or ""

    @property
    def initial_end(self) -> bool:
        """Whether a bookmark ends the first part of a streamed list."""
        return self.metadata.annotations is not None and self.metadata.annotations.ended == "true"

    @property
    def triggered(self) -> str:
        """When the change happened that led to this slice (RFC 3339); empty when not said."""
        return (self.metadata.annotations.triggered if self.metadata.annotations is not None else None) or ""

    def key(self, kind: Kind) -> ObjectKey:
        spaced = kind not in (Kind.NAMESPACE, Kind.NODE)
        namespace = (self.metadata.namespace or "default") if spaced else ""
        return ObjectKey(kind, namespace, self.metadata.name, self.metadata.uid or "")


class Event(msgspec.Struct):
    """One line of a watch; `object` is read when its type is known."""

    type: str
    object: msgspec.Raw


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    go_on: str = msgspec.field(name="continue", default="")


class Page(msgspec.Struct):
    """One page of a list."""

    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


def stub(data: bytes | msgspec.Raw) -> Stub | None:
    """What an object says of itself, also when the rest of it cannot be used; None if not even that."""
    try:
        return msgspec.json.decode(data, type=Stub)
    except (msgspec.MsgspecError, ValueError):
        return None


def event(line: bytes) -> Event:
    """Raises BadObject."""
    return _decoded(line, Event)


def page(body: bytes | bytearray) -> Page:
    """Raises BadObject."""
    return _decoded(body, Page)


def _decoded(data: bytes | bytearray, wanted: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=wanted)
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        raise BadObject("", str(problem)) from None
