"""Asks upstreams on behalf of everybody: identical questions once, all within bounds."""

from __future__ import annotations

import asyncio
import itertools
import random
import resource
from collections.abc import Iterable
from weakref import WeakSet

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.letters import answer_in_letters_of
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.answer import Answer, EdeCode
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import TRANSFERS, Rcode
from dnspolicy.plugins.forward.attempt import BUDGET, USUAL_LIMITS, Attempts, Limits, Order, Ranking
from dnspolicy.plugins.forward.checks import Checks
from dnspolicy.plugins.forward.counts import Counts
from dnspolicy.plugins.forward.flight import Flight, Key, Ways, failure
from dnspolicy.plugins.forward.lines import Lines
from dnspolicy.plugins.forward.peer import Peer
from dnspolicy.plugins.forward.question import passed_on
from dnspolicy.plugins.forward.ties import Ties
from dnspolicy.plugins.forward.upstreams import parse_upstream

_MOST_WAITERS = 20_000
_MOST_PARSED = 256
_NOTHING: frozenset[int] = frozenset()
_numbers = itertools.count(1)


class Protocol(msgspec.Struct, frozen=True):
    """Over what upstreams are asked: as the client asked, unless one of these is set; `force_tcp` counts more."""

    force_tcp: bool = False
    prefer_udp: bool = False

    def first(self, asked: Transport) -> Transport:
        if self.force_tcp:
            return Transport.TCP
        return Transport.UDP if self.prefer_udp else asked

    def hands_on(self, asked: Transport) -> bool:
        """Whether a client gets a truncated answer as it is, to ask again over TCP."""
        return asked is Transport.UDP and not self.prefer_udp


AS_ASKED = Protocol()


class Route(msgspec.Struct, frozen=True, eq=False):
    """Where a question goes: to one of `peers`, tried in `order`.

    After an answer with a code of `failover` the next one is asked. `failfast`: nobody is asked while all are down.
    `number` tells routes apart.
    """

    peers: tuple[Peer, ...]
    order: Order = Order.RANDOM
    protocol: Protocol = AS_ASKED
    limits: Limits = USUAL_LIMITS
    failover: frozenset[int] = _NOTHING
    failfast: bool = False
    number: int = msgspec.field(default_factory=lambda: next(_numbers))


class Forwarder:
    """One per server, shared by all `forward` directives and by policy redirects. Belongs to one event loop.

    `most_sockets` bounds the sockets open at a time.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        metrics: Metrics,
        chance: random.Random | None = None,
        most_sockets: int | None = None,
    ) -> None:
        self.counts = Counts(metrics)
        self._clock = clock
        self._ranking = Ranking(chance or random.Random())
        self._peers: WeakSet[Peer] = WeakSet()
        self._parsed: dict[tuple[str, ...], Route] = {}
        self._flights: dict[Key, Flight] = {}
        self._waiting = 0
        self._ties = Ties(clock, self.counts, most_sockets or socket_budget())
        self._lines = Lines(self._ties)
        self._checks = Checks(self._lines)
        self._ways = Ways(self._lines, self._checks, self._landed)
        metrics.before_collect(self._collect)

    def adopt(self, peers: Iterable[Peer]) -> None:
        """These are going to be asked."""
        self._peers.update(peers)

    def dismiss(self, peers: Iterable[Peer]) -> None:
        """These will not be asked any more: they are checked no more, and their connections close after use."""
        for peer in peers:
            self.counts.collect(peer)
            self._checks.forget(peer)
            self._lines.forget(peer)
            self._peers.discard(peer)

    async def ask(self, query: Query, route: Route, deadline: float) -> Answer:
        """Put the question to the upstreams of `route`; never later than `deadline` (monotonic seconds) or 5 s.

        Without a usable answer: SERVFAIL with EDE 22 (silence) or 23 (errors); REFUSED when too many wait, and for
        transfers of zones.
        """
        if query.qtype in TRANSFERS:  # an upstream that trusts this server would give its zone to every client
            return failure(Rcode.REFUSED, EdeCode.OTHER, "zones are not transferred through this server")
        if self._waiting >= _MOST_WAITERS:
            self.counts.rejects.inc()
            return overloaded()
        loop = self._ties.loop
        now = self._clock.monotonic()
        deadline = min(deadline, now + BUDGET)
        edns = query.edns
        key = (
            query.name.key, query.qtype, query.qclass, edns is not None and edns.do, query.cd, passed_on(query),
            route.number, route.protocol.hands_on(query.transport),
        )  # fmt: skip
        flight = self._flights.get(key)
        if flight is not None:
            self.counts.merged.inc()
            waiter: asyncio.Future[Answer] = loop.create_future()
            flight.waiters.append(waiter)
            if deadline < flight.deadline:
                loop.call_later(max(0.0, deadline - now), _too_late, waiter)
        else:
            peers = self._arranged(route)
            if not peers:
                return failure(Rcode.SERVFAIL, EdeCode.NETWORK_ERROR, "all upstreams are down")
            attempts = Attempts(peers, route.protocol.first(query.transport), deadline, now, route.limits)
            flight = self._flights[key] = Flight(self._ways, key, query, attempts, deadline, route.failover)
            waiter = loop.create_future()
            flight.waiters.append(waiter)
            flight.advance(now)
        self._waiting += 1
        try:
            answer = await waiter
        finally:
            self._waiting -= 1
        return answer_in_letters_of(query.name, answer)

    async def redirect(self, query: Query, upstreams: tuple[str, ...], deadline: float) -> Answer:
        """The same for upstreams as a policy writes them, tried in this order. Raises ValueError on a bad address."""
        route = self._parsed.get(upstreams)
        if route is None:
            route = Route(tuple(Peer(parse_upstream(text)) for text in upstreams), Order.SEQUENTIAL)
            if len(self._parsed) >= _MOST_PARSED:
                self.dismiss(self._parsed.pop(next(iter(self._parsed))).peers)
            self._parsed[upstreams] = route
            self.adopt(route.peers)
        return await self.ask(query, route, deadline)

    def close(self) -> None:
        """Give up everything in flight."""
        self._checks.close()
        for flight in tuple(self._flights.values()):
            flight.give_up()
        self._checks.close()
        self._lines.close()

    def _arranged(self, route: Route) -> list[Peer]:
        """Whom to ask, in order; nobody when all are down and `failfast` is set."""
        if len(route.peers) == 1 and not route.peers[0].suspect:
            return [route.peers[0]]
        for peer in route.peers:
            if peer.suspect:
                self._checks.want(peer)
        peers = self._ranking.arrange(route.peers, route.order)
        if peers[0].suspect and all(peer.down for peer in peers):
            self.counts.broken.inc()
            if route.failfast:
                return []
        return peers

    def _landed(self, flight: Flight) -> None:
        del self._flights[flight.key]

    def _collect(self) -> None:
        self.counts.in_flight.set(len(self._flights))
        for peer in self._peers:
            self.counts.collect(peer)


def _too_late(waiter: asyncio.Future[Answer]) -> None:
    if not waiter.done():
        waiter.set_result(
            failure(Rcode.SERVFAIL, EdeCode.NO_REACHABLE_AUTHORITY, "no upstream answered within the query's time")
        )


def overloaded() -> Answer:
    """REFUSED because too many questions wait for upstreams."""
    return failure(Rcode.REFUSED, EdeCode.OTHER, "too many queries wait for upstreams")


def socket_budget() -> int:
    """Sockets that questions to upstreams may hold: half of what the process may open, at most 10,000."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 10_000 if soft == resource.RLIM_INFINITY else max(32, min(10_000, soft // 2))
