"""What all questions of one server share."""

from __future__ import annotations

import asyncio

from dnspolicy.chain.clock import Clock
from dnspolicy.plugins.forward.alarms import Alarms
from dnspolicy.plugins.forward.counts import Counts
from dnspolicy.plugins.forward.exchange import Budget, Waiters
from dnspolicy.plugins.forward.ids import Ids


class Ties:
    """Clock, counters and sockets. The event loop is that of the first question."""

    __slots__ = ("_alarms", "_loop", "_waiters", "budget", "clock", "counts", "ids")

    def __init__(self, clock: Clock, counts: Counts, most_sockets: int) -> None:
        self.clock = clock
        self.counts = counts
        self.budget = Budget(most_sockets)
        self.ids = Ids()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: Waiters | None = None
        self._alarms: Alarms | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Kept, because asking for the running one is a system call each time."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    @property
    def waiters(self) -> Waiters:
        """Made by the first question, on its event loop. Raises OSError."""
        if self._waiters is None:
            self._waiters = Waiters(self.loop, self.budget)
        return self._waiters

    @property
    def alarms(self) -> Alarms:
        """Made by the first question, on its event loop."""
        if self._alarms is None:
            self._alarms = Alarms(self.loop)
        return self._alarms

    def close(self) -> None:
        """When nothing is in flight any more."""
        if self._waiters is not None:
            self._waiters.close()
            self._waiters = None
        if self._alarms is not None:
            self._alarms.close()
            self._alarms = None
        self._loop = None
