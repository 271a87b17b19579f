"""The room: one per server block. All of them share one tally, and one listener per address."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from dnspolicy.chain.http import HttpListeners, Page, Route
from dnspolicy.plugins.prometheus.config import Config
from dnspolicy.plugins.prometheus.exposition import choose, render, snapshot
from dnspolicy.plugins.prometheus.tally import Enabled, Tally

PATH = "/metrics"


class Prometheus:
    """An observer that counts into `tally`, and serves all metrics of the server at `/metrics`.

    `enabled` are the plugins of the server block, for each of its zones. `start` raises ConfigError when the address
    cannot be listened on.
    """

    name = "prometheus"
    every = False

    def __init__(
        self,
        config: Config,
        *,
        tally: Tally,
        listeners: HttpListeners,
        enabled: Iterable[Enabled] = (),
    ) -> None:
        self._config = config
        self._tally = tally
        self._listeners = listeners
        self._enabled = tuple(enabled)
        self._route: Route | None = None
        # Bound once: the tally is the observer, and a call less on every query.
        self.seen = tally.seen
        self.repeated = tally.repeated

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before the start."""
        return self._route.port if self._route else 0

    async def start(self) -> None:
        self._route = await self._listeners.open(self._config.listen, PATH, self._page, owner=self.name)
        self._tally.enable(self._enabled)

    async def stop(self) -> None:
        route, self._route = self._route, None
        if route is not None:
            self._tally.disable(self._enabled)
            await self._listeners.close(route)

    async def _page(self, accept: str) -> Page:
        style = choose(accept)
        families = snapshot(self._tally.collect())
        # In a thread, so that a large page does not keep queries waiting.
        page = await asyncio.to_thread(render, families, style, self._config.runtime_metrics)
        return Page(200, page, style.value)
