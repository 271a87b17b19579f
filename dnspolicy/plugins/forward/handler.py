"""Sends what nobody here knows to upstreams."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metadata import Subject
from dnspolicy.chain.plugin import NO_FACTS, AskNext, ClientFact
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, rcode_number
from dnspolicy.plugins.forward.attempt import Limits
from dnspolicy.plugins.forward.config import Config
from dnspolicy.plugins.forward.forwarder import Forwarder, Protocol, Route, overloaded
from dnspolicy.plugins.forward.names import LookUp
from dnspolicy.plugins.forward.peer import Peer, Settings
from dnspolicy.plugins.forward.secure import client_context
from dnspolicy.plugins.forward.upstreams import Upstreams

log = logging.getLogger(__name__)
LABEL = "forward/upstream"


class Forward:
    """One `forward` directive. `last`: no other one follows in its server block. `folder`: where `tls` files lie.

    Raises ConfigError when a resolv.conf, a certificate or a host name cannot be used. Looking up host names blocks.
    """

    name = "forward"
    reads = NO_FACTS

    def __init__(
        self, config: Config, *, forwarder: Forwarder, clock: Clock, last: bool = True, folder: Path | None = None
    ) -> None:
        self._zone = from_text(config.from_)
        self._except = tuple(from_text(zone) for zone in config.except_)
        self._limit = config.max_concurrent
        self._next = frozenset() if last else frozenset(map(rcode_number, config.next))
        self._next_on_nodata = config.next_on_nodata and not last
        self._passes_on = bool(self._next or self._next_on_nodata)
        self._forwarder = forwarder
        self._clock = clock
        self._upstreams = Upstreams(config.to, clock.monotonic(), LookUp(config.resolver))
        self._fixed = self._upstreams.fixed
        self._settings = _settings(config, folder or Path())
        self._route = Route(
            (),
            config.policy,
            Protocol(force_tcp=config.force_tcp, prefer_udp=config.prefer_udp),
            Limits(config.read_timeout, config.max_connect_attempts),
            frozenset(map(rcode_number, config.failover)),
            config.failfast_all_unhealthy_upstreams,
        )
        self._find_peers()  # perhaps in another thread than that of queries
        self._problem: str | None = None
        self._busy = 0

    @property
    def upstreams(self) -> tuple[str, ...]:
        """Those in use now, as `IP:PORT`."""
        return tuple(peer.text for peer in self._route.peers)

    async def start(self) -> None:
        """Have the upstreams counted; nothing else is to be done before the first question."""
        self._forwarder.adopt(self._route.peers)

    async def stop(self) -> None:
        """Let go of the upstreams."""
        self._forwarder.dismiss(self._route.peers)

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        """Forward a name of this zone; leave every other to the next room."""
        name = query.name
        if not name.under(self._zone) or (self._except and self._excepted(query)):
            return await ask_next(query, ctx)
        if self._limit and self._busy >= self._limit:
            self._forwarder.counts.rejects.inc()
            return overloaded()
        if not self._fixed:
            self._look_at_files()
        self._busy += 1
        try:
            answer = await self._forwarder.ask(query, self._route, ctx.deadline)
        finally:
            self._busy -= 1
        if self._passes_on and answer.upstream and self._leaves(answer):
            return await ask_next(query, ctx)
        return answer

    def describe(self, label: str, subject: Subject) -> str | None:
        """`forward/upstream`: the address of the upstream that gave the reply."""
        if label != LABEL:
            return None
        return subject.reply.upstream if isinstance(subject.reply, Answer) else ""

    def facts_of(self, label: str) -> frozenset[ClientFact]:
        """None: upstreams are told nothing of clients."""
        return NO_FACTS

    def _excepted(self, query: Query) -> bool:
        return query.name != self._zone and any(query.name.under(zone) for zone in self._except)

    def _leaves(self, answer: Answer) -> bool:
        """Whether the next `forward` may know better."""
        if answer.rcode in self._next:
            return True
        return self._next_on_nodata and answer.rcode == Rcode.NOERROR and not answer.answer

    def _look_at_files(self) -> None:
        problem = self._upstreams.refresh(self._clock.monotonic())
        if problem is not None and problem != self._problem:
            log.warning("forward: keeping the upstreams known so far: %s", problem)
            self._problem = problem
        if self._known is not self._upstreams.current:
            self._find_peers()
            self._forwarder.adopt(self._route.peers)
            self._problem = None
            log.info("forward: upstreams are now %s", ", ".join(self.upstreams))

    def _find_peers(self) -> None:
        """Those of the upstreams now; what is known of those that stay is kept."""
        self._known = self._upstreams.current
        before = {peer.upstream: peer for peer in self._route.peers}
        peers = tuple(before.pop(known) if known in before else Peer(known, self._settings) for known in self._known)
        self._route = msgspec.structs.replace(self._route, peers=peers)
        self._forwarder.dismiss(before.values())


def _settings(config: Config, folder: Path) -> Settings:
    check = config.health_check
    return Settings(
        max_fails=config.max_fails,
        interval=check.every,
        recursive=check.recursive,
        check_name=from_text(check.domain),
        check_tcp=config.force_tcp,
        expire=config.expire,
        max_age=config.max_age,
        max_idle=config.max_idle_conns,
        source=config.source_address,
        server_name=config.tls_servername.rstrip("."),
        tls=client_context(_paths(config.tls, folder)) if config.tls else None,
    )


def _paths(names: Sequence[str], folder: Path) -> list[Path]:
    return [folder / name for name in names]
