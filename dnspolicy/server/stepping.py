"""Running a coroutine that probably never waits, without the cost of a task."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


class _Resumed:
    """A coroutine that was stepped once and waits for `pending`."""

    __slots__ = ("_coroutine", "_pending")

    def __init__(self, coroutine: Coroutine[Any, None, None], pending: Any) -> None:
        self._coroutine = coroutine
        self._pending = pending

    def __await__(self) -> Generator[Any, None, None]:
        pending = self._pending
        try:
            while True:
                try:
                    value = yield pending
                except GeneratorExit:
                    self._coroutine.close()
                    raise
                except BaseException as problem:  # noqa: BLE001 handed on into the coroutine, as `await` does
                    pending = self._coroutine.throw(problem)
                else:
                    pending = self._coroutine.send(value)
        except StopIteration:
            return


async def _finish(resumed: _Resumed) -> None:
    await resumed


class Stepper:
    """Steps coroutines; those that wait become tasks, held until they end and at most `limit` at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self._limit = limit
        self.waiting: set[asyncio.Task[None]] = set()

    @property
    def full(self) -> bool:
        return len(self.waiting) >= self._limit

    def run(self, coroutine: Coroutine[Any, None, None]) -> None:
        """Step once; when it waits, a task takes over."""
        try:
            pending = coroutine.send(None)
        except StopIteration:
            return
        task = self._loop.create_task(_finish(_Resumed(coroutine, pending)))
        self.waiting.add(task)
        task.add_done_callback(self.waiting.discard)

    async def drain(self, seconds: float) -> int:
        """Wait up to `seconds` for what is under way; how many were cut off."""
        if self.waiting:
            await asyncio.wait(self.waiting, timeout=seconds)
        left = list(self.waiting)
        for task in left:
            task.cancel()
        return len(left)
