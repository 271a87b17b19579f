"""Asking the rooms below again, in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import AskNext
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.cache.store import Key

MOST = 256
"""Refreshes under way at a time; what is due beyond waits for its next hit."""
BUDGET = 4.5
"""Seconds that one may take."""
_log = logging.getLogger(__name__)

Landed = Callable[[Reply | None], None]
"""Called with the reply, None when it could not be had."""


class Refreshes:
    """Those under way, one per key. They belong to nobody: no client is known below, and none waits for all of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: dict[Key, asyncio.Task[None]] = {}

    def begin(self, key: Key, query: Query, ask_next: AskNext, landed: Landed) -> asyncio.Task[None] | None:
        """Ask, and call `landed`; None when that is under way already, or too much else is."""
        if key in self._under_way or len(self._under_way) >= MOST:
            return None
        task = asyncio.get_running_loop().create_task(self._run(key, query, ask_next, landed))
        self._under_way[key] = task
        return task

    async def stop(self) -> None:
        """Give up all of them."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._under_way.clear()

    async def _run(self, key: Key, query: Query, ask_next: AskNext, landed: Landed) -> None:
        now = self._clock.monotonic()
        try:
            landed(await ask(query, QueryContext("", 0, now, now + BUDGET, _nowhere), ask_next))
        except Exception:  # noqa: BLE001 a fault of a room must not end in a task that nobody looks at
            _log.exception("cache: refreshing %r failed", str(query.name))
            landed(None)
        finally:
            del self._under_way[key]


async def ask(query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply | None:
    """The reply of the rooms below; None when they failed."""
    try:
        return await ask_next(query, ctx)
    except DnsPolicyError as problem:
        _log.warning("cache: refreshing %r failed: %s", str(query.name), problem)
        return None


async def _nowhere(query: Query, ctx: QueryContext) -> Reply:
    """The whole server is not asked for nobody: a policy would have to judge a client who is not there."""
    return Answer(Rcode.SERVFAIL, made_by="cache", private=True)
