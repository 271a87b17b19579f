"""The room: `/health`, a self check each second, and the lame duck."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from dnspolicy.chain.clock import Clock, SystemClock
from dnspolicy.chain.http import HttpListeners, Page, Route, probe
from dnspolicy.chain.metrics import Metrics
from dnspolicy.plugins.health.config import Config

PATH = "/health"
BUCKETS = (0.00025, 0.0025, 0.025, 0.25, 2.5)
CHECK_EVERY = 1.0
"""Seconds between self checks."""
CHECK_LIMIT = 3.0
"""Seconds after which a self check counts as failed."""


class Health:
    """Answers 200 as long as the event loop runs.

    `start` raises ConfigError when the address cannot be listened on. `drain` waits for the configured lame duck, while
    the server goes on answering; `stop` closes at once.
    """

    name = "health"

    def __init__(
        self,
        config: Config,
        *,
        listeners: HttpListeners,
        metrics: Metrics,
        clock: Clock | None = None,
    ) -> None:
        self._config = config
        self._listeners = listeners
        self._clock = clock or SystemClock()
        self._seconds = metrics.histogram(
            "coredns_health_request_duration_seconds", "Time the self check of health took, in seconds.", BUCKETS
        )
        self._failures = metrics.counter("coredns_health_request_failures_total", "Self checks of health that failed.")
        self._route: Route | None = None
        self._checking: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before the start."""
        return self._route.port if self._route else 0

    async def start(self) -> None:
        self._route = await self._listeners.open(self._config.listen, PATH, _page, owner=self.name)
        self._checking = asyncio.create_task(self._check_for_ever())

    async def drain(self) -> None:
        if self._route is not None and self._config.lameduck:
            await asyncio.sleep(self._config.lameduck)

    async def stop(self) -> None:
        checking, self._checking = self._checking, None
        if checking is not None:
            checking.cancel()
            with suppress(asyncio.CancelledError):
                await checking
        route, self._route = self._route, None
        if route is not None:
            await self._listeners.close(route)

    async def check(self) -> bool:
        """Ask the own listener once and count how it went."""
        host = self._config.listen.host
        began = self._clock.monotonic()
        try:
            well = await probe(self.port, PATH, host=host or "127.0.0.1", limit=CHECK_LIMIT) == 200
        except (OSError, TimeoutError):
            well = False
        self._seconds.observe(self._clock.monotonic() - began)
        if not well:
            self._failures.inc()
        return well

    async def _check_for_ever(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            await self.check()


async def _page(accept: str) -> Page:
    return Page(200, b"OK")
