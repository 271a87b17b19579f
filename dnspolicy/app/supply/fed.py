"""An engine that is given documents which change by themselves."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from dnspolicy.app.parts import Parts
from dnspolicy.app.supply.feeds import log
from dnspolicy.feeds.feed import FeedOf
from dnspolicy.feeds.feeds import Feeds
from dnspolicy.model.errors import EngineUnavailable
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.engine import Awaited, Changed, Engine, Feedable
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import PolicyInput

SETTLE_SECONDS = 5.0
"""How long a start, or another configuration, waits for first documents."""


class FedEngine:
    """Decides as the engine does, but not without the documents that are required."""

    def __init__(self, engine: Engine, feeds: Feeds) -> None:
        self.name = engine.name
        self._engine = engine
        self._feeds = feeds

    @property
    def revision(self) -> str:
        return self._engine.revision

    @property
    def footprint(self) -> Footprint:
        return self._engine.footprint

    def not_ready(self) -> str | None:
        own = self._engine.not_ready() if isinstance(self._engine, Awaited) else None
        return own or self._feeds.not_ready()

    def decide(self, question: PolicyInput, deadline: float) -> Coroutine[Any, Any, Verdict | None]:
        """Raises EngineUnavailable as long as a required document is not there."""
        lacking = self._feeds.lacking()
        if lacking is not None:
            raise EngineUnavailable(lacking)
        return self._engine.decide(question, deadline)


class FedSupply:
    """`inner`, with feeds that begin when it settles and end when it stops."""

    def __init__(self, inner: Feedable, feeds: Sequence[FeedOf], parts: Parts) -> None:
        self._inner = inner
        self._feeds = Feeds(feeds, inner.feed, parts.clock, parts.metrics, log)
        self._engine = FedEngine(inner.engine, self._feeds)
        self._waited = False

    @property
    def engine(self) -> Engine:
        return self._engine

    def announcement(self) -> str:
        return f"{self._inner.announcement()}; data {self._feeds.announcement()}"

    def source_of(self, rule: str) -> str | None:
        return self._inner.source_of(rule)

    async def settle(self) -> None:
        """Also fetch every document once, as far as that goes in a few seconds."""
        await self._inner.settle()
        if not self._waited:
            self._waited = True
            await self._feeds.settle(SETTLE_SECONDS)

    async def start(self, changed: Changed) -> None:
        self._feeds.announce(changed)
        await self._feeds.begin()
        await self._inner.start(changed)
        if self._inner.notes_first:
            await self._feeds.confirm()

    async def stop(self) -> None:
        await self._feeds.stop()
        await self._inner.stop()
        self._waited = False
