"""Time limits of many questions, nearly none of which runs out."""

from __future__ import annotations

import asyncio
from typing import Protocol

TICK = 0.02
"""Seconds. An alarm rings at most two of these late, never early."""


_LATER = 0.002
"""Timers may ring a little early; this keeps them from ringing for nothing."""


class Sleeper(Protocol):
    """Whoever can be rung. Compared by identity."""

    def ring(self) -> None: ...


class Alarms:
    """One timer of the event loop for all, set for the alarm that is next: setting and stopping an alarm is nearly
    always a set operation, no work for the loop."""

    __slots__ = ("_due", "_loop", "_slots", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, set[Sleeper]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0

    def start(self, sleeper: Sleeper, seconds: float) -> int:
        """Ring `sleeper` once after `seconds`; what to give to `stop`."""
        slot = int((self._loop.time() + seconds) / TICK) + 1
        sleepers = self._slots.get(slot)
        if sleepers is None:
            sleepers = self._slots[slot] = set()
            if self._timer is None or slot < self._due:
                self._wait_for(slot)
        sleepers.add(sleeper)
        return slot

    def stop(self, sleeper: Sleeper, slot: int) -> None:
        """Do not ring. Nothing happens if it rang already."""
        sleepers = self._slots.get(slot)
        if sleepers is not None:
            sleepers.discard(sleeper)

    def close(self) -> None:
        """Nobody is rung any more."""
        self._slots.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait_for(self, slot: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = slot
        self._timer = self._loop.call_at(slot * TICK + _LATER, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = int(self._loop.time() / TICK)
        for slot in sorted(slot for slot in self._slots if slot <= now):
            sleepers = self._slots[slot]
            while sleepers:
                sleepers.pop().ring()
            del self._slots[slot]
        if self._slots:
            self._wait_for(min(self._slots))
