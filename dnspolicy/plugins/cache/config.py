"""The `cache` directive."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Positional, Zone

CAPACITY = 9984
LEAST_CAPACITY, SHARDS = 1024, 256
MOST_CAPACITY = 1_000_000
SUCCESS_TTL, DENIAL_TTL, LEAST_TTL = 3600, 1800, 5
LONGEST_SERVFAIL = LONGEST_RECHECK = 300.0
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


class Prefetch(msgspec.Struct, frozen=True, kw_only=True):
    """`prefetch AMOUNT [DURATION] [PERCENTAGE%]`: asked AMOUNT times, never DURATION seconds apart."""

    amount: Annotated[int, Positional, msgspec.Meta(ge=0, le=1_000_000)]
    duration: Annotated[Duration, Positional] = Duration(60.0)
    percentage: Annotated[str, Positional, msgspec.Meta(pattern="^[0-9]{1,3}%$")] = "10%"

    def __post_init__(self) -> None:
        if not 10 <= self.percent <= 90:
            raise ValueError(f"prefetch takes from 10% to 90%, not {self.percentage!r}")

    @property
    def percent(self) -> int:
        return int(self.percentage.rstrip("%"))


class Mode(StrEnum):
    """When an answer that is over is refreshed: after it was sent, or before."""

    IMMEDIATE = "immediate"
    VERIFY = "verify"


class ServeStale(msgspec.Struct, frozen=True, kw_only=True):
    """`serve_stale [DURATION] [immediate [TTL [RECHECK]] | verify [TIMEOUT [TTL [RECHECK]]]]`, all in seconds."""

    duration: Annotated[Duration, Positional] = Duration(3600.0)
    mode: Annotated[Mode, Positional] = Mode.IMMEDIATE
    times: Annotated[tuple[Duration, ...], Positional] = ()

    def __post_init__(self) -> None:
        if len(self.times) > (3 if self.mode is Mode.VERIFY else 2):
            raise ValueError(f"serve_stale has too many words behind {self.mode.value!r}")
        if self.response_ttl % 1 or self.response_ttl >= 1 << 31:
            raise ValueError("the response TTL of serve_stale must be a whole number of seconds, below 2^31")
        if self.failure_recheck > LONGEST_RECHECK:
            raise ValueError(f"the failure recheck of serve_stale must be at most {LONGEST_RECHECK:.0f} seconds")

    def _time(self, number: int) -> float:
        return self.times[number] if len(self.times) > number else 0.0

    @property
    def timeout(self) -> float:
        """How long `verify` waits for an answer; 0 for as long as the client has."""
        return self._time(0) if self.mode is Mode.VERIFY else 0.0

    @property
    def response_ttl(self) -> float:
        return self._time(1 if self.mode is Mode.VERIFY else 0)

    @property
    def failure_recheck(self) -> float:
        return self._time(2 if self.mode is Mode.VERIFY else 1)


class StalePolicy(StrEnum):
    """Which of two answers is served, when one that is over has data and a newer one denies."""

    PREFER_POSITIVE = "prefer_positive"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`cache [TTL] [ZONES…] { … }`: the most seconds anything is kept, and the zones whose names are (all if none)."""

    ttl: Annotated[int | None, Positional, msgspec.Meta(ge=1, le=LONGEST_TTL)] = None
    zones: Annotated[tuple[Zone, ...], Positional] = ()
    success: Limits | None = None
    denial: Limits | None = None
    prefetch: Prefetch | None = None
    serve_stale: ServeStale | None = None
    serve_stale_policy: StalePolicy | None = None
    servfail: Duration = Duration(5.0)
    disable: tuple[Disable, ...] = ()
    keepttl: bool = False

    def __post_init__(self) -> None:
        if any(zone.rstrip(".").isdigit() for zone in self.zones):
            raise ValueError(f"the TTL must be a number from 1 to {LONGEST_TTL}, before the zones")
        if not 0 <= self.servfail <= LONGEST_SERVFAIL:
            raise ValueError(f"servfail must be from 0 to {LONGEST_SERVFAIL:.0f} seconds")
        if self.serve_stale_policy is not None and self.serve_stale is None:
            raise ValueError("serve_stale_policy needs serve_stale")

    def limits(self, kind: Kind) -> Limits:
        """The bounds that hold for a kind, defaults filled in; capacities in the steps that CoreDNS knows."""
        own = self.success if kind is Kind.SUCCESS else self.denial
        default = SUCCESS_TTL if kind is Kind.SUCCESS else DENIAL_TTL
        ttl = (own.ttl if own is not None else None) or self.ttl or default
        least = own.minttl if own is not None and own.minttl is not None else min(LEAST_TTL, ttl)
        capacity = own.capacity if own is not None else CAPACITY
        return Limits(capacity=max(LEAST_CAPACITY, capacity // SHARDS * SHARDS), ttl=ttl, minttl=least)

    def disabled(self, kind: Kind) -> tuple[str, ...] | None:
        """The zones for which a kind is not remembered; `.` for all; None when it always is."""
        found = [line.zones or (Zone("."),) for line in self.disable if line.kind is kind]
        return tuple(zone for zones in found for zone in zones) if found else None
