"""A circuit breaker: an address that fails is left alone for a while, then tried by one question."""

from __future__ import annotations

from enum import IntEnum

FAILURES = 5
"""So many in a row open it,"""
SILENCE = 0.2
"""if none of the last seconds went well: a few questions that are too hard for a policy do not hurt the others."""
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 4.0


class State(IntEnum):
    """As in the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """All times are monotonic, in seconds. A pause doubles with each probe that fails."""

    def __init__(self) -> None:
        self.state = State.CLOSED
        self._failed = 0
        self._went_well = float("-inf")
        self._pause = FIRST_PAUSE
        self._until = 0.0

    def admits(self, now: float) -> bool:
        """Whether a question may be put. Must be followed by one of the next three."""
        if self.state is State.CLOSED:
            return True
        if self.state is State.HALF_OPEN or now < self._until:
            return False
        self.state = State.HALF_OPEN
        return True

    def succeeded(self, now: float) -> None:
        self._went_well = now
        if self._failed or self.state is not State.CLOSED:
            self.state, self._failed, self._pause = State.CLOSED, 0, FIRST_PAUSE

    def failed(self, now: float) -> None:
        self._failed += 1
        if self.state is State.HALF_OPEN:
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            self._open(now)
        elif self.state is State.CLOSED and self._failed >= FAILURES and now - self._went_well >= SILENCE:
            self._open(now)

    def gave_up(self) -> None:
        """Nobody waits for the answer any more, and it says nothing about the address."""
        if self.state is State.HALF_OPEN:
            self.state = State.OPEN

    def reachable_in(self, now: float) -> float:
        """Seconds until a question may be put."""
        return 0.0 if self.state is State.CLOSED else max(0.0, self._until - now)

    def _open(self, now: float) -> None:
        self.state = State.OPEN
        self._until = now + self._pause
