"""Running a coroutine that probably never waits, without the cost of a task."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class _Run:
    """A coroutine that waits for a future, and goes on from the future's callback: a task with nothing around it."""

    __slots__ = ("_coroutine", "_cut", "_pending", "_stepper", "client")

    def __init__(self, stepper: Stepper, coroutine: Coroutine[Any, None, None], pending: Any, client: str) -> None:
        self.client = client
        self._stepper = stepper
        self._coroutine = coroutine
        self._cut = False
        self._pending: asyncio.Future[Any] | None = None
        self._wait(pending)

    def _wait(self, pending: Any) -> None:
        """Go on when `pending`, what the coroutine yielded, is done; the protocol of a task with futures."""
        if pending is None:  # a bare yield: whoever waits so lets others have their turn
            self._pending = None
            self._stepper.loop.call_soon(self._go_on)
            return
        if not pending._asyncio_future_blocking:
            raise RuntimeError(f"a coroutine waits for {type(pending).__name__} in a way that only a task can")
        pending._asyncio_future_blocking = False
        self._pending = pending
        pending.add_done_callback(self._go_on)

    def _go_on(self, _done: object = None) -> None:
        coroutine = self._coroutine
        try:
            if self._cut:
                self._cut = False
                self._wait(coroutine.throw(asyncio.CancelledError()))
            else:
                self._wait(coroutine.send(None))
        except (StopIteration, asyncio.CancelledError):
            self._stepper.ended(self)
        except BaseException:
            self._stepper.ended(self)
            raise

    def cancel(self) -> None:
        """Raise CancelledError where the coroutine waits, soon."""
        if self._pending is None or not self._pending.cancel():
            self._cut = True


class Stepper:
    """Steps coroutines; those that wait are held until they end.

    At most `limit` wait at a time, and a quarter of them for one client, so that who asks for what never comes leaves
    room for others.
    No step of a coroutine is inside a task: it may await futures and tasks, but has no current task.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self.loop = loop
        self._limit = limit
        self._per_client = max(1, limit // 4)
        self._clients: dict[str, int] = {}
        self._waiting: set[_Run] = set()
        self._idle: asyncio.Future[None] | None = None

    def run(self, coroutine: Coroutine[Any, None, None], client: str) -> bool:
        """Step once; when it waits, it goes on when what it waits for is there.

        False when it would have to wait and there is no room: then it is closed.
        """
        try:
            pending = coroutine.send(None)
        except StopIteration:
            return True
        held = self._clients.get(client, 0)
        if len(self._waiting) >= self._limit or held >= self._per_client:
            coroutine.close()
            return False
        self._clients[client] = held + 1
        try:
            self._waiting.add(_Run(self, coroutine, pending, client))
        except BaseException:
            self._release(client)
            raise
        return True

    def ended(self, run: _Run) -> None:
        """A coroutine that waited is over."""
        self._waiting.discard(run)
        self._release(run.client)
        if self._idle is not None and not self._waiting and not self._idle.done():
            self._idle.set_result(None)

    def _release(self, client: str) -> None:
        held = self._clients[client]
        if held > 1:
            self._clients[client] = held - 1
        else:
            del self._clients[client]

    async def drain(self, seconds: float) -> int:
        """Wait up to `seconds` for what is under way; how many were cut off."""
        if self._waiting:
            self._idle = self.loop.create_future()
            await asyncio.wait((self._idle,), timeout=seconds)
        left = list(self._waiting)
        for run in left:
            run.cancel()
        return len(left)
