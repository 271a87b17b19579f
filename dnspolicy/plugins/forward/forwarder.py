"""Asks upstreams on behalf of everybody: identical questions once, all within bounds."""

from __future__ import annotations

import asyncio
import random
import resource

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.letters import answer_in_letters_of
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.answer import Answer, EdeCode
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.forward.attempt import BUDGET, Attempts, Health, Order, Ranking
from dnspolicy.plugins.forward.counts import Counts
from dnspolicy.plugins.forward.flight import Flight, Key, Surroundings, failure
from dnspolicy.plugins.forward.upstreams import Upstream, parse_upstream

_TRANSFERS = frozenset({int(Type.AXFR), int(Type.IXFR)})
_MOST_WAITERS = 20_000
_MOST_HEALTH = 256
_MOST_PARSED = 256


class Protocol(msgspec.Struct, frozen=True):
    """Over what upstreams are asked: as the client asked, unless one of these is set."""

    force_tcp: bool = False
    prefer_udp: bool = False

    def first(self, asked: Transport) -> Transport:
        if self.force_tcp:
            return Transport.TCP
        return Transport.UDP if self.prefer_udp else asked


AS_ASKED = Protocol()


class Route(msgspec.Struct, frozen=True):
    """Where a question goes: to one of `upstreams`, tried in `order`."""

    upstreams: tuple[Upstream, ...]
    order: Order = Order.RANDOM
    protocol: Protocol = AS_ASKED
    key: str = ""
    """The upstreams in one word, made when empty."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "key", " ".join(upstream.text for upstream in self.upstreams))


class Forwarder:
    """One per server, shared by all `forward` directives and by policy redirects, so that what is known of an
    upstream is known once. Belongs to one event loop. `most_sockets` bounds the sockets open at a time.
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
        self._health: dict[Upstream, Health] = {}
        self._parsed: dict[tuple[str, ...], Route] = {}
        self._flights: dict[Key, Flight] = {}
        self._waiting = 0
        self._around = Surroundings(clock, self.counts, self._health_of, most_sockets or socket_budget())
        metrics.before_collect(self._count_flights)

    async def ask(self, query: Query, route: Route, deadline: float) -> Answer:
        """Put the question to the upstreams of `route`; never later than `deadline` (monotonic seconds) or 5 s.

        Without a usable answer: SERVFAIL with EDE 22 (silence) or 23 (errors); REFUSED when too many wait, and for
        transfers of zones.
        """
        if query.qtype in _TRANSFERS:  # an upstream that trusts this server would give its zone to every client
            return failure(Rcode.REFUSED, EdeCode.OTHER, "zones are not transferred through this server")
        if self._waiting >= _MOST_WAITERS:
            self.counts.rejects.inc()
            return overloaded()
        loop = self._around.loop
        now = self._clock.monotonic()
        deadline = min(deadline, now + BUDGET)
        key = _key(query, route)
        waiter: asyncio.Future[Answer] = loop.create_future()
        flight = self._flights.get(key)
        if flight is None:
            flight = self._take_off(key, query, route, now, deadline)
            flight.waiters.append(waiter)
            flight.advance()
        else:
            self.counts.merged.inc()
            flight.waiters.append(waiter)
            if deadline < flight.deadline:
                loop.call_later(max(0.0, deadline - now), _too_late, waiter)
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
            route = Route(tuple(map(parse_upstream, upstreams)), Order.SEQUENTIAL)
            if len(self._parsed) >= _MOST_PARSED:
                del self._parsed[next(iter(self._parsed))]
            self._parsed[upstreams] = route
        return await self.ask(query, route, deadline)

    def close(self) -> None:
        """Give up everything in flight."""
        for flight in tuple(self._flights.values()):
            flight.give_up()
        self._around.close()

    def _take_off(self, key: Key, query: Query, route: Route, now: float, deadline: float) -> Flight:
        order = self._ranking.arrange(route.upstreams, route.order, self._health, now)
        attempts = Attempts(order, route.protocol.first(query.transport), deadline)

        flight = self._flights[key] = Flight(self._around, key, query, attempts, deadline, self._landed)
        return flight

    def _landed(self, flight: Flight) -> None:
        del self._flights[flight.key]

    def _count_flights(self) -> None:
        self.counts.in_flight.set(len(self._flights))

    def _health_of(self, upstream: Upstream) -> Health:
        health = self._health.get(upstream)
        if health is None:
            if len(self._health) >= _MOST_HEALTH:
                del self._health[next(iter(self._health))]
            health = self._health[upstream] = Health()
        return health


def _key(query: Query, route: Route) -> Key:
    edns = query.edns
    return query.name.key, query.qtype, query.qclass, edns is not None and edns.do, query.cd, route.key


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
