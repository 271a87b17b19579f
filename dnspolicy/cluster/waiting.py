"""Waiting, within bounds, for news of an address that nobody knows yet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from dnspolicy.chain.clock import Clock

MAX_WAITERS = 1_000
MAX_REMEMBERED = 10_000
PAUSE = 5.0
"""Seconds after a wait began in which nobody else begins one for the same address."""


class Waiting:
    """Futures by address. Those who ask while a wait is on join it; all end with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._futures: dict[str, list[asyncio.Future[None]]] = {}
        self._waiters = 0
        self._began: dict[str, float] = {}

    async def wait(self, address: str, seconds: float) -> None:
        """Until `wake` names the address or `seconds` have passed; at once if no wait may begin."""
        if seconds <= 0 or self._waiters >= MAX_WAITERS or not self._may_wait(address):
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        end = loop.call_later(seconds, _finish, future)
        self._futures.setdefault(address, []).append(future)
        self._waiters += 1
        try:
            await future
        finally:
            end.cancel()
            self._waiters -= 1
            self._leave(address, future)

    def wake(self, addresses: Iterable[str]) -> None:
        if self._futures:
            for address in addresses:
                for future in self._futures.get(address, ()):
                    _finish(future)

    def _may_wait(self, address: str) -> bool:
        if address in self._futures:
            return True
        now = self._clock.monotonic()
        began = self._began.pop(address, None)
        if began is not None and now - began < PAUSE:
            self._began[address] = began
            return False
        while self._began and (oldest := next(iter(self._began))):
            if now - self._began[oldest] < PAUSE:
                break
            del self._began[oldest]
        if len(self._began) >= MAX_REMEMBERED:
            return False
        self._began[address] = now
        return True

    def _leave(self, address: str, future: asyncio.Future[None]) -> None:
        waiting = self._futures[address]
        waiting.remove(future)
        if not waiting:
            del self._futures[address]


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
