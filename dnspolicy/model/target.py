"""What a name points at, by the cluster's grammar, whether or not it exists."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from dnspolicy.model.answer import NOTHING, Dependencies
from dnspolicy.model.identity import NO_LABELS


class TargetKind(StrEnum):
    SERVICE = "service"
    POD = "pod"
    ENDPOINT = "endpoint"
    EXTERNAL = "external"
    NONE = "none"


class TargetEndpoint(msgspec.Struct, frozen=True):
    """One ready endpoint of a service, as policies see it."""

    ip: str
    pod: str | None = None
    node: str | None = None
    zone: str | None = None
    labels: Mapping[str, str] = NO_LABELS


class Target(msgspec.Struct, frozen=True, eq=False, gc=False):
    """`external` is a name outside the cluster's zones, `none` one inside them that names no object.

    `rests` is what this finding depends on.
    """

    kind: TargetKind
    namespace: str | None = None
    name: str | None = None
    labels: Mapping[str, str] = NO_LABELS
    namespace_labels: Mapping[str, str] = NO_LABELS
    exists: bool = False
    endpoints: tuple[TargetEndpoint, ...] = ()
    rests: Dependencies = NOTHING


EXTERNAL = Target(TargetKind.EXTERNAL)
