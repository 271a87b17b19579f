"""How often, and how many at a time, the API server is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dnspolicy.chain.clock import Clock
from dnspolicy.cluster.apiserver.options import Limits

USUAL_BURST = 10
"""When only a rate is given."""


class Limiter:
    """A bucket of tokens, and a number of places."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._rate = limits.qps
        self._most = float(limits.burst or USUAL_BURST)
        self._clock = clock
        self._tokens = self._most
        self._at = clock.monotonic()
        self._places = asyncio.Semaphore(limits.max_inflight) if limits.max_inflight else None

    async def admit(self) -> float:
        """Wait for a token. Returns the seconds it took."""
        if not self._rate:
            return 0.0
        now = self._clock.monotonic()
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._rate) - 1
        self._at = now
        if self._tokens >= 0:
            return 0.0
        wait = -self._tokens / self._rate
        await asyncio.sleep(wait)
        return wait

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one of the places."""
        if self._places is None:
            yield
        else:
            async with self._places:
                yield
