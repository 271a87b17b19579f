"""The `dns64` directive."""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional

WELL_KNOWN = "64:ff9b::/96"
LENGTHS = (32, 40, 48, 56, 64, 96)
"""Bits that a prefix may have (RFC 6052 2.2)."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`dns64 [PREFIX] { prefix PREFIX; translate_all; allow_ipv4 }`."""

    network: Annotated[str, Positional] = WELL_KNOWN
    prefix: str | None = None
    translate_all: bool = False
    allow_ipv4: bool = False

    def __post_init__(self) -> None:
        parse_prefix(self.network)
        parse_prefix(self.wanted)

    @property
    def wanted(self) -> str:
        """The prefix that counts."""
        return self.network if self.prefix is None else self.prefix


def parse_prefix(text: str) -> IPv6Network:
    """A prefix IPv4 addresses can be put behind. Raises ValueError."""
    try:
        found = IPv6Network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not an IPv6 prefix such as {WELL_KNOWN}") from None
    if "/" not in text or found.prefixlen not in LENGTHS:
        raise ValueError(f"{text!r}: a prefix has one of {', '.join(map(str, LENGTHS))} bits")
    return found
