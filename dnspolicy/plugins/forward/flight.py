"""One question in flight: sends, listens, and tells everybody who waits for it."""

from __future__ import annotations

import asyncio
import errno
import secrets
from collections.abc import Callable

from dnspolicy.chain.clock import Clock
from dnspolicy.model.answer import ONCE, Answer, EdeCode, ExtendedError
from dnspolicy.model.errors import WireError
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.forward.attempt import Attempts, Health, Step
from dnspolicy.plugins.forward.counts import Counts
from dnspolicy.plugins.forward.exchange import Exchange, TcpExchange, UdpExchange, Waiters, reason
from dnspolicy.plugins.forward.match import Expected, Match, dislikes_edns
from dnspolicy.plugins.forward.scrub import scrub
from dnspolicy.plugins.forward.upstreams import Upstream
from dnspolicy.wire.message import OUR_SIZE, Response, decode_response, encode_query

MADE_BY = "forward"
_OPT_SIZE = 11
_ARCOUNT = slice(10, 12)
_MOST_EDE, _MOST_EDE_TEXT = 3, 120
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""Errors that say nothing about the upstream."""


class Surroundings:
    """What all flights of one server share. `sockets` is how many more may be open."""

    __slots__ = ("_waiters", "clock", "counts", "health_of", "sockets")

    def __init__(self, clock: Clock, counts: Counts, health_of: Callable[[Upstream], Health], sockets: int) -> None:
        self.clock = clock
        self.counts = counts
        self.health_of = health_of
        self.sockets = sockets
        self._waiters: Waiters | None = None

    @property
    def waiters(self) -> Waiters:
        """Made by the first question, on its event loop. Raises OSError."""
        if self._waiters is None:
            self._waiters = Waiters(asyncio.get_running_loop())
        return self._waiters

    def close(self) -> None:
        """When nothing is in flight any more."""
        if self._waiters is not None:
            self._waiters.close()
            self._waiters = None


class Flight:
    """Belongs to no task: events move it, so that nobody's cancellation ends it for the others.

    It ends with the first usable answer, when nothing is left to try, or at `deadline` (monotonic seconds).
    """

    __slots__ = ("_around", "_attempts", "_landed", "_loop", "_open", "_timer", "deadline", "query", "waiters")

    def __init__(
        self, around: Surroundings, query: Query, attempts: Attempts, deadline: float, landed: Callable[[], None]
    ) -> None:
        self.query = query
        self.deadline = deadline
        self.waiters: list[asyncio.Future[Answer]] = []
        self._around = around
        self._attempts = attempts
        self._landed = landed
        self._loop = asyncio.get_running_loop()
        self._open: dict[Exchange, tuple[Expected, Step]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def advance(self) -> None:
        """Take the next step there is; land when there is none and nobody is left to hear from."""
        while True:
            now = self._around.clock.monotonic()
            step = self._attempts.next(now)
            if step is None:
                if self._open and now < self.deadline:
                    self._set_timer(self.deadline - now, self.give_up)
                else:
                    self.give_up()
                return
            try:
                self._send(step, now)
            except OSError as problem:
                self._note_failure(step.upstream, reason(problem), blame=problem.errno not in _OURS)
                continue
            self._set_timer(step.seconds, self._silent, step.upstream)
            return

    def give_up(self) -> None:
        """Land without an answer: SERVFAIL that says why (RFC 8914 4.23, 4.24)."""
        attempts = self._attempts
        for _, step in self._open.values():
            attempts.silent(step.upstream)
        code = EdeCode.NO_REACHABLE_AUTHORITY if attempts.heard_nothing else EdeCode.NETWORK_ERROR
        self._land(failure(Rcode.SERVFAIL, code, attempts.story()))

    def _send(self, step: Step, now: float) -> None:
        around = self._around
        if around.sockets <= 0:
            raise OSError(errno.EMFILE, "too many questions are on their way")
        wire = encode_query(self.query, secrets.randbits(16), OUR_SIZE)
        if not step.edns:
            wire = wire[: _ARCOUNT.start] + b"\0\0" + wire[_ARCOUNT.stop : -_OPT_SIZE]
        expected = Expected(wire, len(self.query.name.wire))
        exchange: Exchange
        if step.transport is Transport.UDP:
            exchange = UdpExchange(around.waiters, step.upstream, wire, now, self._heard, self._broke)
        else:
            exchange = TcpExchange(step.upstream, wire, now, self._heard, self._broke)
        self._open[exchange] = expected, step
        around.sockets -= 1

    def _heard(self, exchange: Exchange, wire: bytes) -> bool:
        """A message came: whether to go on listening there."""
        expected, step = self._open[exchange]
        match = expected.match(wire)
        if match is Match.ANSWER or match is Match.BARE_ERROR:
            if step.edns and dislikes_edns(wire):
                self._attempts.disliked_edns(step.upstream, step.transport)
            elif match is Match.BARE_ERROR:
                self._note_failure(step.upstream, "answered with an error and no question", blame=False)
            else:
                return self._read(exchange, wire)
        elif match is Match.TRUNCATED:
            if step.transport is Transport.TCP:
                self._note_failure(step.upstream, "truncated its answer over TCP", blame=True)
            else:
                self._attempts.truncated(step.upstream)
        else:
            self._around.counts.ignored(step.upstream, match)
            return True
        self._close(exchange)
        self.advance()
        return False

    def _read(self, exchange: Exchange, wire: bytes) -> bool:
        around, upstream = self._around, exchange.upstream
        try:
            response = decode_response(wire)
        except WireError:
            around.counts.ignored(upstream, Match.MALFORMED)
            return True
        around.health_of(upstream).answered()
        around.counts.answered(upstream, response.rcode, around.clock.monotonic() - exchange.started)
        self._land(self._answer(response, upstream))
        return False

    def _answer(self, response: Response, upstream: Upstream) -> Answer:
        query = self.query
        proofs = query.edns is not None and query.edns.do
        answer, authority = scrub(query.name, query.qtype, response, proofs)
        lost = len(response.answer) + len(response.authority) - len(answer) - len(authority)
        if lost > 0:
            self._around.counts.scrubbed.inc(amount=lost)
        ede = tuple(ExtendedError(e.code, e.text[:_MOST_EDE_TEXT]) for e in response.ede[:_MOST_EDE])
        return Answer(
            response.rcode,
            answer,
            authority,
            ra=response.ra,
            ede=ede,
            made_by=MADE_BY,
            fresh=ONCE,
            upstream=upstream.text,
        )

    def _broke(self, exchange: Exchange, why: str) -> None:
        if exchange in self._open:
            self._close(exchange)
            self._note_failure(exchange.upstream, why, blame=True)
            self.advance()

    def _silent(self, upstream: Upstream) -> None:
        self._attempts.silent(upstream)
        self._around.health_of(upstream).failed(self._around.clock.monotonic())
        self._around.counts.failed(upstream, "silent")
        self.advance()

    def _note_failure(self, upstream: Upstream, why: str, *, blame: bool) -> None:
        self._attempts.failed(upstream, why)
        self._around.counts.failed(upstream, "error")
        if blame:
            self._around.health_of(upstream).failed(self._around.clock.monotonic())

    def _land(self, answer: Answer) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for exchange in tuple(self._open):
            self._close(exchange)
        self._landed()
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(answer)

    def _close(self, exchange: Exchange) -> None:
        del self._open[exchange]
        exchange.close()
        self._around.sockets += 1

    def _set_timer(self, seconds: float, action: Callable[..., None], *arguments: Upstream) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, action, *arguments)


def failure(rcode: Rcode, code: int, text: str) -> Answer:
    """An answer that there is none, and why."""
    return Answer(int(rcode), ra=True, ede=(ExtendedError(code, text),), made_by=MADE_BY, fresh=ONCE)
