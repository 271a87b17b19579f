"""Keeps a slow policy from holding the server: after too many overruns it is not asked for a while."""

from __future__ import annotations

from collections import deque

OVERRUNS = 3
WITHIN = 10.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0


class Brake:
    """Three overruns within 10 s close it for 1 s; each closing soon after the last doubles that, up to 30 s."""

    def __init__(self) -> None:
        self._overruns: deque[float] = deque(maxlen=OVERRUNS)
        self._until = 0.0
        self._pause = 0.0

    def closed(self, now: float) -> bool:
        """Whether evaluations are refused at monotonic time `now`."""
        return now < self._until

    def overran(self, now: float) -> bool:
        """Count an evaluation that took too long; True when that closes the brake."""
        self._overruns.append(now)
        if len(self._overruns) < OVERRUNS or now - self._overruns[0] > WITHIN:
            return False
        again = now - self._until <= WITHIN
        self._pause = min(self._pause * 2, LONGEST_PAUSE) if again and self._pause else FIRST_PAUSE
        self._until = now + self._pause
        return True

    @property
    def pause(self) -> float:
        """Seconds of the last closing."""
        return self._pause
