"""A share of time that cannot be exceeded."""

from __future__ import annotations

BURST = 0.25
"""Seconds of evaluation that may be taken at once."""


class Budget:
    """Seconds that may be spent: `share` of the time that passes, at most `BURST` saved up."""

    def __init__(self, share: float, now: float) -> None:
        self._share = share
        self._left = BURST
        self._at = now

    def empty(self, now: float) -> bool:
        """Whether nothing is left at monotonic time `now`."""
        self._left = min(BURST, self._left + (now - self._at) * self._share)
        self._at = now
        return self._left <= 0.0

    def spend(self, seconds: float) -> None:
        self._left -= seconds
