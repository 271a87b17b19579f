"""The `hosts` directive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Positional, Rest, Zone
from dnspolicy.plugins.hosts.entries import Host, hosts_of

SHORTEST_RELOAD = 0.1
"""Seconds."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line `ADDRESS NAME…`."""

    address: Annotated[str, Positional]
    names: Annotated[tuple[str, ...], Positional]

    def __post_init__(self) -> None:
        hosts_of(self.address, self.names)

    @property
    def hosts(self) -> tuple[Host, ...]:
        return hosts_of(self.address, self.names)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`hosts [FILE [ZONES…]] { … }`.

    `ttl` in seconds. `reload`: seconds between looks at the file, 0 for never again. `fallthrough`: zones whose unknown
    names the next room answers; empty for all, None for none.
    """

    file: Annotated[str, Positional] = "/etc/hosts"
    zones: Annotated[tuple[Zone, ...], Positional] = ()
    entries: Annotated[tuple[Entry, ...], Rest] = ()
    ttl: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 3600
    no_reverse: bool = False
    reload: Duration = Duration(5.0)
    fallthrough: tuple[Zone, ...] | None = None
    fallthrough_unsupported: bool = False

    def __post_init__(self) -> None:
        if 0 < self.reload < SHORTEST_RELOAD:
            raise ValueError(f"reload is too short; expected 0 or at least {SHORTEST_RELOAD:g}s")
        if self.fallthrough_unsupported and self.fallthrough is None:
            raise ValueError("fallthrough_unsupported needs fallthrough")
