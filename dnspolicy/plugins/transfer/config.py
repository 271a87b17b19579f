"""The `transfer` directive."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional, Zone

PORT = 53
ANYBODY = "*"

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Secondary(msgspec.Struct, frozen=True):
    """A server that is told of changes."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`transfer [ZONES…] { to ADDRESS…  source ADDRESS }`.

    `to`: who may have the zones: `*`, an address, an address with the port it is told of changes at, or a network.
    `source`: the address that changes are announced from.
    """

    zones: Annotated[tuple[Zone, ...], Positional] = ()
    to: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    source: str | None = None

    def __post_init__(self) -> None:
        for text in self.to:
            _check(text)
        if self.source is not None:
            try:
                ip_address(self.source)
            except ValueError:
                raise ValueError(f"{self.source!r} is not an IP address") from None

    @property
    def anybody(self) -> bool:
        return ANYBODY in self.to

    @property
    def networks(self) -> tuple[Network, ...]:
        """Who may have the zones, `*` left out; an address is a network of its own."""
        hosts = (secondary.host for secondary in self.secondaries)
        return tuple(ip_network(text) for text in (*hosts, *filter(_is_network, self.to)))

    @property
    def secondaries(self) -> tuple[Secondary, ...]:
        """Who is told of changes."""
        single = (text for text in self.to if text != ANYBODY and not _is_network(text))
        return tuple(dict.fromkeys(map(_secondary, single)))


def _check(text: str) -> None:
    if text == ANYBODY:
        return
    try:
        if _is_network(text):
            ip_network(text)
        else:
            _secondary(text)
    except ValueError as problem:
        shown = "has bits set beyond its prefix" if "host bits" in str(problem) else "is nobody's address"
        raise ValueError(f"{text!r} {shown}; expected *, an IP address, IP:PORT or a network") from None


def _is_network(text: str) -> bool:
    return "/" in text


def _secondary(text: str) -> Secondary:
    """Read `IP`, `IPv4:PORT` or `[IPv6]:PORT`. Raises ValueError."""
    host, port = text, str(PORT)
    if text.startswith("["):
        host, closing, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if rest else port
        if not closing or (rest and not rest.startswith(":")):
            raise ValueError(text)
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise ValueError(text)
    return Secondary(str(_unmapped(ip_address(host))), int(port))


def _unmapped(address: Address) -> Address:
    return getattr(address, "ipv4_mapped", None) or address
