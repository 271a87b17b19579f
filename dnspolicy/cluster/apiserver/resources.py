"""Where the kinds of objects are served, and what their messages say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from dnspolicy.cluster import raw
from dnspolicy.cluster.objects import Kind, Object, ObjectKey, Thing, ThingKey
from dnspolicy.cluster.raw import BadObject, RawObject
from dnspolicy.cluster.sharing import Sharing

T = TypeVar("T")
LIVE_PODS = "status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown"
"""A pod that leaves this selection is reported as deleted: its address is free."""


Read = Callable[[bytes | msgspec.Raw, Sharing], Object | Thing]
"""Reads one object. Raises BadObject, and what msgspec does."""


class Resource(msgspec.Struct, frozen=True, eq=False):
    """One kind of objects: its collection's path, its plural name, what reads it, a field selector.

    `labels` is a label selector. What cannot be watched is listed every `every` seconds (0: it is watched). `found`:
    the API server was asked where it is, and is asked again when it is there no more.
    """

    kind: str
    plural: str
    path: str
    read: Read
    fields: str = ""
    labels: str = ""
    every: float = 0.0
    namespaced: bool = True
    found: bool = False

    @property
    def selection(self) -> dict[str, str]:
        """The parameters that select among all objects."""
        wish = {"fieldSelector": self.fields, "labelSelector": self.labels}
        return {name: text for name, text in wish.items() if text}

    def key(self, about: Stub) -> ObjectKey | ThingKey:
        """Where an object stands that says this of itself."""
        meta = about.metadata
        space = (meta.namespace or "default") if self.namespaced else ""
        if isinstance(self.kind, Kind):
            return ObjectKey(self.kind, space, meta.name, meta.uid or "")
        return ThingKey(space, meta.name, meta.uid or "")


def _by(raw_: type[RawObject]) -> Read:
    decoder = msgspec.json.Decoder(raw_)
    return lambda data, share: decoder.decode(data).trim(share)


_SPACELESS = (Kind.NAMESPACE, Kind.NODE)

RESOURCES: Mapping[Kind, Resource] = {
    kind: Resource(kind, path.rpartition("/")[2], path, _by(read), fields, namespaced=kind not in _SPACELESS)
    for kind, path, read, fields in (
        (Kind.NAMESPACE, "/api/v1/namespaces", raw.Namespace, ""),
        (Kind.NODE, "/api/v1/nodes", raw.Node, ""),
        (Kind.SERVICE, "/api/v1/services", raw.Service, ""),
        (Kind.ENDPOINT_SLICE, "/apis/discovery.k8s.io/v1/endpointslices", raw.EndpointSlice, ""),
        (Kind.POD, "/api/v1/pods", raw.Pod, LIVE_PODS),
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
