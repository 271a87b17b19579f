"""Who is asking."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

NO_LABELS: Mapping[str, str] = MappingProxyType({})


class ClientKind(StrEnum):
    POD = "pod"
    HOST = "host"
    EXTERNAL = "external"
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"


class Owner(msgspec.Struct, frozen=True, gc=False):
    """The workload behind a pod, such as Deployment `web`."""

    kind: str
    name: str


class Alarm(msgspec.Struct, frozen=True, gc=False):
    """What is unusual about the names a workload asks for, below one `domain`, or below `*`: many of them together.

    `since` and `until` are seconds since 1970. `names`: different names, about. `length` and `entropy` are means of
    what stands in front of the domain: bytes, and bits for each byte; `bytes` is that of all names.
    """

    domain: str
    since: int
    until: int
    names: int
    bytes: int
    length: int
    entropy: float


class Identity(msgspec.Struct, frozen=True, eq=False):
    """What is known of a source address. What is not known is None, never an empty text.

    `why` says in a few words how the kind was found. `ip` is canonical text; an IPv4-mapped address counts as IPv4.
    """

    kind: ClientKind
    why: str
    ip: str
    namespace: str | None = None
    pod: str | None = None
    uid: str | None = None
    labels: Mapping[str, str] = NO_LABELS
    namespace_labels: Mapping[str, str] = NO_LABELS
    service_account: str | None = None
    node: str | None = None
    zone: str | None = None
    owner: Owner | None = None
    alarms: tuple[Alarm, ...] = ()


NOBODY = Identity(ClientKind.UNKNOWN, "not looked up", "")
