"""What it means for a decision when an OPA gives no reply. No address is in the texts, which clients may get to see."""

from __future__ import annotations

from collections.abc import Sequence

from dnspolicy.engines.opa.connection import Kind, Lost
from dnspolicy.engines.opa.door import Door
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable

_BAD = (Kind.MALFORMED, Kind.BROKEN_OFF)


def failure(lost: Lost) -> EngineError:
    """What a question that was put and got no reply counts as."""
    if lost.kind is Kind.TIMEOUT:
        return EngineTimeout(f"OPA: {lost}")
    return (EngineBadReply if lost.kind in _BAD else EngineUnavailable)(f"OPA: {lost}")


def paused(doors: Sequence[Door], now: float) -> EngineUnavailable:
    """For a question that no breaker admits."""
    seconds = min(door.breaker.reachable_in(now) for door in doors)
    return EngineUnavailable(f"OPA failed just before and is not asked for another {seconds:.1f} s")
