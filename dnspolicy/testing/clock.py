"""A clock that moves only when told."""

from __future__ import annotations


class FakeClock:
    """Monotonic time starts at 1,000 s, wall time at 2026-01-01T00:00:00Z."""

    def __init__(self) -> None:
        self._passed = 0.0

    def monotonic(self) -> float:
        return 1_000.0 + self._passed

    def wall(self) -> float:
        return 1_767_225_600.0 + self._passed

    def advance(self, seconds: float) -> None:
        self._passed += seconds
