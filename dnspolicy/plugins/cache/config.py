"""The `cache` directive."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Positional, Zone
from dnspolicy.model.name import from_text

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
    """`cache [TTL] [ZONES…] { … }`. `words` are the TTL (seconds) and the zones as written."""

    words: Annotated[tuple[str, ...], Positional] = ()
    success: Limits | None = None
    denial: Limits | None = None
    servfail: Duration = Duration(5.0)
    disable: tuple[Disable, ...] = ()

    def __post_init__(self) -> None:
        if self.words and self.words[0].isdigit() and not 1 <= int(self.words[0][:9]) <= LONGEST_TTL:
            raise ValueError(f"the TTL must be from 1 to {LONGEST_TTL} seconds")
        if not 0 <= self.servfail <= LONGEST_SERVFAIL:
            raise ValueError(f"servfail must be from 0 to {LONGEST_SERVFAIL:.0f} seconds")
        for zone in self.zones:
            if "/" in zone:
                raise ValueError(f"{zone}: write the reverse zone's name instead of a CIDR")
            from_text(zone)

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones whose names are cached; empty for all."""
        return self.words[1:] if self.words and self.words[0].isdigit() else self.words

    def limits(self, kind: Kind) -> Limits:
        """The bounds that hold for a kind, defaults filled in."""
        own = self.success if kind is Kind.SUCCESS else self.denial
        common = int(self.words[0]) if self.words and self.words[0].isdigit() else None
        default = SUCCESS_TTL if kind is Kind.SUCCESS else DENIAL_TTL
        ttl = (own.ttl if own is not None else None) or common or default
        least = own.minttl if own is not None and own.minttl is not None else min(LEAST_TTL, ttl)
        return Limits(capacity=own.capacity if own is not None else CAPACITY, ttl=ttl, minttl=least)

    def disabled(self, kind: Kind) -> tuple[str, ...] | None:
        """The zones for which a kind is not remembered; `.` for all; None when it always is."""
        found = [line.zones or (Zone("."),) for line in self.disable if line.kind is kind]
        return tuple(zone for zones in found for zone in zones) if found else None
