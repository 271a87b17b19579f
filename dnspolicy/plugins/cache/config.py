"""The `cache` directive."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Positional, Zone

CAPACITY = 9984
MOST_CAPACITY = 1_000_000
SUCCESS_TTL, DENIAL_TTL, LEAST_TTL = 3600, 1800, 5
LONGEST_SERVFAIL = 300.0
LONGEST_TTL = 604_800


class Kind(StrEnum):
    """What is remembered apart from each other."""

    SUCCESS = "success"
    DENIAL = "denial"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`success CAPACITY [TTL] [MINTTL]`: entries, and the bounds of TTLs in seconds."""

    capacity: Annotated[int, Positional, msgspec.Meta(ge=1, le=MOST_CAPACITY)]
    ttl: Annotated[int | None, Positional, msgspec.Meta(ge=1, le=LONGEST_TTL)] = None
    minttl: Annotated[int | None, Positional, msgspec.Meta(ge=0, le=LONGEST_TTL)] = None


class Disable(msgspec.Struct, frozen=True, kw_only=True):
    """`disable success|denial [ZONES…]`: without zones, for all names."""

    kind: Annotated[Kind, Positional]
    zones: Annotated[tuple[Zone, ...], Positional] = ()


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`cache [TTL] [ZONES…] { … }`: the most seconds anything is kept, and the zones whose names are (all if none)."""

    ttl: Annotated[int | None, Positional, msgspec.Meta(ge=1, le=LONGEST_TTL)] = None
    zones: Annotated[tuple[Zone, ...], Positional] = ()
    success: Limits | None = None
    denial: Limits | None = None
    servfail: Duration = Duration(5.0)
    disable: tuple[Disable, ...] = ()

    def __post_init__(self) -> None:
        if any(zone.rstrip(".").isdigit() for zone in self.zones):
            raise ValueError(f"the TTL must be a number from 1 to {LONGEST_TTL}, before the zones")
        if not 0 <= self.servfail <= LONGEST_SERVFAIL:
            raise ValueError(f"servfail must be from 0 to {LONGEST_SERVFAIL:.0f} seconds")

    def limits(self, kind: Kind) -> Limits:
        """The bounds that hold for a kind, defaults filled in."""
        own = self.success if kind is Kind.SUCCESS else self.denial
        default = SUCCESS_TTL if kind is Kind.SUCCESS else DENIAL_TTL
        ttl = (own.ttl if own is not None else None) or self.ttl or default
        least = own.minttl if own is not None and own.minttl is not None else min(LEAST_TTL, ttl)
        return Limits(capacity=own.capacity if own is not None else CAPACITY, ttl=ttl, minttl=least)

    def disabled(self, kind: Kind) -> tuple[str, ...] | None:
        """The zones for which a kind is not remembered; `.` for all; None when it always is."""
        found = [line.zones or (Zone("."),) for line in self.disable if line.kind is kind]
        return tuple(zone for zones in found for zone in zones) if found else None
