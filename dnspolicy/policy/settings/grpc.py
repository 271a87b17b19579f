"""The `grpc` line of a `policy` directive."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Positional, Size
from dnspolicy.policy.settings.web import TlsWords

_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
_COUNT = msgspec.Meta(ge=1, le=65536)
MOST = 16
"""Decision points of one line."""


class GrpcMode(StrEnum):
    """How questions travel."""

    STREAM = "stream"
    UNARY = "unary"


class GrpcOrder(StrEnum):
    """Which decision points are asked; the words of `policy`."""

    SEQUENTIAL = "sequential"
    SPREAD = "spread"


class GrpcSettings(TlsWords, frozen=True, kw_only=True):
    """`grpc TARGET... { … }`; a target is `HOST:PORT` or `unix:PATH`, of which `policy` says which one is asked.

    `hold` caps how many seconds a decision is remembered, `refresh` is how often (seconds) a decision point is asked
    who it is, `connect` how long (seconds) that may take. The rest is described in the README.
    """

    targets: Annotated[tuple[str, ...], Positional]
    policy: GrpcOrder = GrpcOrder.SEQUENTIAL
    mode: GrpcMode = GrpcMode.STREAM
    tls: bool = False
    server_name: str = ""
    batch: Annotated[int, _COUNT] = 256
    in_flight: Annotated[int, _COUNT] = 4096
    max_reply: Annotated[Size, msgspec.Meta(ge=1024)] = Size(4 * 1024 * 1024)
    hold: Annotated[Duration, msgspec.Meta(ge=0, le=86400)] = Duration(60.0)
    vary: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 10_000
    connect: Annotated[Duration, msgspec.Meta(ge=0.01, le=60)] = Duration(2.0)
    refresh: Annotated[Duration, msgspec.Meta(ge=0.01, le=3600)] = Duration(10.0)
    failures: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 5

    def __post_init__(self) -> None:
        TlsWords.__post_init__(self)
        if not 0 < len(self.targets) <= MOST:
            raise ValueError(f"expected 1 to {MOST} decision points, each HOST:PORT or unix:PATH")
        for text in self.targets:
            if not is_target(text):
                raise ValueError(f"{text!r} is not a decision point; expected HOST:PORT or unix:PATH")
        if len(set(self.targets)) != len(self.targets):
            raise ValueError("a decision point stands here twice")

    @property
    def secure(self) -> bool:
        """Whether connections are encrypted."""
        return bool(self.tls or self.ca or self.certificate or self.server_name)


def is_target(text: str) -> bool:
    """Whether it is `HOST:PORT`, `[IPv6]:PORT` or `unix:PATH`."""
    if text.startswith("unix:"):
        return len(text) > len("unix:")
    found = _HOST.fullmatch(text)
    return found is not None and 0 < int(found[1]) < 65536
