"""The `loadbalance` directive."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Positional

Network = IPv4Network | IPv6Network
RELOAD = 30.0
SHORTEST_RELOAD = 0.1
"""Seconds."""


class Policy(StrEnum):
    """How records are ordered."""

    ROUND_ROBIN = "round_robin"
    WEIGHTED = "weighted"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`loadbalance [round_robin|weighted FILE] { … }`.

    `reload`: seconds between looks at the file, 0 for never again. `prefer`: networks whose addresses come first, in
    this order.
    """

    policy: Annotated[Policy, Positional] = Policy.ROUND_ROBIN
    file: Annotated[str | None, Positional] = None
    reload: Duration | None = None
    prefer: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.policy is Policy.WEIGHTED and self.file is None:
            raise ValueError("'weighted' needs the name of a weight file")
        if self.policy is not Policy.WEIGHTED and self.file is not None:
            raise ValueError(f"only weighted takes a file, such as {self.file!r}")
        if self.policy is not Policy.WEIGHTED and self.reload is not None:
            raise ValueError("'reload' is for the file of weighted")
        if 0 < self.interval < SHORTEST_RELOAD:
            raise ValueError(f"'reload' is too short; expected 0 or at least {SHORTEST_RELOAD:g}s")
        for text in self.prefer:
            _network(text)

    @property
    def interval(self) -> float:
        return RELOAD if self.reload is None else float(self.reload)

    @property
    def preferred(self) -> tuple[Network, ...]:
        return tuple(map(_network, self.prefer))


def _network(text: str) -> Network:
    """A network in CIDR notation. Raises ValueError."""
    try:
        if "/" in text:
            return ip_network(text, strict=False)
    except ValueError:
        pass
    raise ValueError(f"{text!r} is not a network such as 10.0.0.0/8")
