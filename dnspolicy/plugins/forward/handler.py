"""Sends what nobody here knows to upstreams."""

from __future__ import annotations

import logging

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import NO_FACTS, AskNext
from dnspolicy.model.answer import Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.plugins.forward.config import Config
from dnspolicy.plugins.forward.forwarder import Forwarder, Protocol, Route, overloaded
from dnspolicy.plugins.forward.upstreams import Upstreams

log = logging.getLogger(__name__)


class Forward:
    """One `forward` directive. Raises ConfigError when a resolv.conf cannot be used."""

    name = "forward"
    reads = NO_FACTS

    def __init__(self, config: Config, *, forwarder: Forwarder, clock: Clock) -> None:
        self._zone = from_text(config.from_)
        self._except = tuple(from_text(zone) for zone in config.except_)
        self._limit = config.max_concurrent
        self._order = config.policy
        self._protocol = Protocol(force_tcp=config.force_tcp, prefer_udp=config.prefer_udp)
        self._forwarder = forwarder
        self._clock = clock
        self._upstreams = Upstreams(config.to, clock.monotonic())
        self._fixed = self._upstreams.fixed
        self._route = self._make_route()
        self._problem: str | None = None
        self._busy = 0

    @property
    def upstreams(self) -> tuple[str, ...]:
        """Those in use now, as `IP:PORT`."""
        return tuple(upstream.text for upstream in self._route.upstreams)

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        """Forward a name of this zone; leave every other to the next room."""
        name = query.name
        if not name.under(self._zone) or (self._except and any(name.under(zone) for zone in self._except)):
            return await ask_next(query, ctx)
        if self._limit and self._busy >= self._limit:
            self._forwarder.counts.rejects.inc()
            return overloaded()
        if not self._fixed:
            self._look_at_files()
        self._busy += 1
        try:
            return await self._forwarder.ask(query, self._route, ctx.deadline)
        finally:
            self._busy -= 1

    def _look_at_files(self) -> None:
        problem = self._upstreams.refresh(self._clock.monotonic())
        if problem is not None and problem != self._problem:
            log.warning("forward: keeping the upstreams known so far: %s", problem)
            self._problem = problem
        if self._route.upstreams is not self._upstreams.current:
            self._route = self._make_route()
            self._problem = None
            log.info("forward: upstreams are now %s", ", ".join(self.upstreams))

    def _make_route(self) -> Route:
        return Route(self._upstreams.current, self._order, self._protocol)
