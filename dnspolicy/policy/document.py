"""The input document as typed structs: what `encode` writes, and what the JSON Schema is made from.

A key that is not known is absent, so a rule that needs it is undefined. Names are lower-case presentation form without
the final dot; bytes outside `[a-z0-9_-]` are written `\\DDD`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dnspolicy.model.identity import ClientKind
from dnspolicy.model.query import Transport, Via
from dnspolicy.model.target import TargetKind
from dnspolicy.model.verdict import Phase


def _says(text: str) -> Meta:
    return Meta(description=text)


class OwnerDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The workload behind a pod, such as Deployment `web`."""

    kind: str
    name: str
    bucket: Annotated[int, _says("0 to 99, always the same for this workload: for percentages of workloads")]


class AlarmDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is unusual about the names that the workload of a client asks for below one domain."""

    since: Annotated[int, _says("seconds since 1970")]
    until: Annotated[int, _says("seconds since 1970; it may be renewed then")]
    names: Annotated[int, _says("different names within the window, about")]
    bytes: Annotated[int, _says("bytes in front of the domain, of all those names together")]
    length: Annotated[int, _says("the same in the mean")]
    entropy: Annotated[float, _says("bits for each byte in front of the domain, in the mean")]


class ClientDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks. `kind`, `why`, `ip`, `bucket` and `hash` are always there, the others when they are known."""

    kind: ClientKind
    why: Annotated[str, _says("how the kind was found, in a few words")]
    ip: Annotated[str, _says("source address, canonical text")]
    bucket: Annotated[int, _says("0 to 99, always the same for this pod or address: for percentages of clients")]
    hash: Annotated[int, _says("0 to 4294967295, always the same for this pod or address: for sharding")]
    namespace: str | UnsetType = UNSET
    pod: str | UnsetType = UNSET
    labels: Annotated[Mapping[str, str] | UnsetType, _says("labels of the pod")] = UNSET
    namespace_labels: Mapping[str, str] | UnsetType = UNSET
    service_account: str | UnsetType = UNSET
    node: str | UnsetType = UNSET
    zone: Annotated[str | UnsetType, _says("topology zone of the node")] = UNSET
    owner: OwnerDocument | UnsetType = UNSET
    alarms: Annotated[
        Mapping[str, AlarmDocument] | UnsetType, _says("by domain, `*` for many domains together; absent without any")
    ] = UNSET


class QueryDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked. Every key is always there."""

    name: Annotated[str, _says("the name now judged")]
    labels: Annotated[tuple[str, ...], _says("its labels, leftmost first")]
    suffixes: Annotated[tuple[str, ...], _says("the name itself, then each parent; the root only for the root")]
    asked: Annotated[str, _says("the name the client typed")]
    via: Annotated[Via, _says("how the name now judged came about")]
    type: Annotated[str, _says("record type, such as A or TYPE65280")]
    class_: Annotated[str, _says("class, such as IN or CLASS17")] = msgspec.field(name="class")
    transport: Transport


class EndpointDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ready endpoint of a service."""

    ip: str
    hash: Annotated[int, _says("0 to 4294967295, always the same for this pod or address: for sharding")]
    pod: str | UnsetType = UNSET
    node: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    labels: Mapping[str, str] | UnsetType = UNSET


class TargetDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the name says by the cluster's grammar, whether or not it exists.

    `exists` is absent for `external`; `endpoints` is there for a service that exists.
    """

    kind: TargetKind
    namespace: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    labels: Mapping[str, str] | UnsetType = UNSET
    namespace_labels: Mapping[str, str] | UnsetType = UNSET
    exists: bool | UnsetType = UNSET
    endpoints: tuple[EndpointDocument, ...] | UnsetType = UNSET


class AnswerDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is about to be answered."""

    rcode: str
    names: Annotated[tuple[str, ...], _says("every owner name and alias target")]
    addresses: Annotated[tuple[str, ...], _says("every address and SVCB/HTTPS address hint, canonical text")]
    from_: Annotated[str, _says("the plugin that made the answer")] = msgspec.field(name="from")


class InputDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document every policy engine is given as `input`, in both phases."""

    version: Literal[1]
    phase: Phase
    client: ClientDocument
    query: QueryDocument
    target: TargetDocument
    answer: Annotated[AnswerDocument | UnsetType, _says("in the response phase only")] = UNSET
