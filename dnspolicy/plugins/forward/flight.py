"""One question in flight: sends, listens, and tells everybody who waits for it."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable

from dnspolicy.chain.clock import Clock
from dnspolicy.model.answer import ONCE, Answer, EdeCode, ExtendedError
from dnspolicy.model.errors import WireError
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.forward.alarms import Alarms
from dnspolicy.plugins.forward.attempt import Attempts, Health, Step
from dnspolicy.plugins.forward.counts import Counts
from dnspolicy.plugins.forward.exchange import Exchange, TcpExchange, UdpExchange, Waiters, reason
from dnspolicy.plugins.forward.ids import Ids
from dnspolicy.plugins.forward.match import Expected, Match, dislikes_edns
from dnspolicy.plugins.forward.scrub import scrub
from dnspolicy.plugins.forward.upstreams import Upstream
from dnspolicy.wire.message import OUR_SIZE, Response, decode_response, encode_query

MADE_BY = "forward"
Key = tuple[bytes, int, int, bool, bool, str]
"""Lower-cased name in wire form, type, class, DO, CD, and the upstreams."""
_NONE = -1
_OPT_SIZE = 11
_ARCOUNT = slice(10, 12)
_MOST_EDE, _MOST_EDE_TEXT = 3, 120
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""Errors that say nothing about the upstream."""


class Surroundings:
    """What all flights of one server share. `sockets` is how many more may be open."""

    __slots__ = ("_alarms", "_loop", "_waiters", "clock", "counts", "health_of", "ids", "sockets")

    def __init__(self, clock: Clock, counts: Counts, health_of: Callable[[Upstream], Health], sockets: int) -> None:
        self.clock = clock
        self.counts = counts
        self.health_of = health_of
        self.sockets = sockets
        self.ids = Ids()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: Waiters | None = None
        self._alarms: Alarms | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """That of the first question; asking for the running one is a system call each time."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    @property
    def waiters(self) -> Waiters:
        """Made by the first question, on its event loop. Raises OSError."""
        if self._waiters is None:
            self._waiters = Waiters(self.loop)
        return self._waiters

    @property
    def alarms(self) -> Alarms:
        """Made by the first question, on its event loop."""
        if self._alarms is None:
            self._alarms = Alarms(self.loop)
        return self._alarms

    def close(self) -> None:
        """When nothing is in flight any more."""
        if self._waiters is not None:
            self._waiters.close()
            self._waiters = None
        if self._alarms is not None:
            self._alarms.close()
            self._alarms = None
        self._loop = None


class Flight:
    """Belongs to no task: events move it, so that nobody's cancellation ends it for the others.

    It ends with the first usable answer, when nothing is left to try, or at `deadline` (monotonic seconds).
    """

    __slots__ = ("_alarm", "_around", "_asked", "_attempts", "_landed", "_open", "deadline", "key", "query", "waiters")

    def __init__(
        self,
        around: Surroundings,
        key: Key,
        query: Query,
        attempts: Attempts,
        deadline: float,
        landed: Callable[[Flight], None],
    ) -> None:
        self.key = key
        self.query = query
        self.deadline = deadline
        self.waiters: list[asyncio.Future[Answer]] = []
        self._around = around
        self._attempts = attempts
        self._landed = landed
        self._open: list[Exchange] = []
        self._asked: Upstream | None = None
        self._alarm = _NONE

    def advance(self) -> None:
        """Take the next step there is; land when there is none and nobody is left to hear from."""
        while True:
            now = self._around.clock.monotonic()
            step = self._attempts.next(now)
            if step is None:
                if self._open and now < self.deadline:
                    self._set_alarm(self.deadline - now, None)
                else:
                    self.give_up()
                return
            try:
                self._send(step, now)
            except OSError as problem:
                self._note_failure(step.upstream, reason(problem), blame=problem.errno not in _OURS)
                continue
            self._set_alarm(step.seconds, step.upstream)
            return

    def give_up(self) -> None:
        """Land without an answer: SERVFAIL that says why (RFC 8914 4.23, 4.24)."""
        attempts = self._attempts
        for exchange in self._open:
            attempts.silent(exchange.step.upstream)
        code = EdeCode.NO_REACHABLE_AUTHORITY if attempts.heard_nothing else EdeCode.NETWORK_ERROR
        self._land(failure(Rcode.SERVFAIL, code, attempts.story()))

    def _send(self, step: Step, now: float) -> None:
        around = self._around
        if around.sockets <= 0:
            raise OSError(errno.EMFILE, "too many questions are on their way")
        wire = encode_query(self.query, around.ids.take(), OUR_SIZE)
        if not step.edns:
            wire = wire[: _ARCOUNT.start] + b"\0\0" + wire[_ARCOUNT.stop : -_OPT_SIZE]
        expected = Expected(wire, len(self.query.name.wire))
        exchange: Exchange
        if step.transport is Transport.UDP:
            exchange = UdpExchange(step, expected, now, self._heard, self._broke)
            exchange.send(around.waiters, wire)
        else:
            exchange = TcpExchange(step, expected, now, self._heard, self._broke)
            exchange.send(around.loop, wire)
        self._open.append(exchange)
        around.sockets -= 1

    def _heard(self, exchange: Exchange, wire: bytes) -> bool:
        """A message came: whether to go on listening there."""
        step = exchange.step
        match = exchange.expected.match(wire)
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
        around, upstream = self._around, exchange.step.upstream
        try:
            response = decode_response(wire, self.query.name)
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
        ede = response.ede
        if ede:
            ede = tuple(ExtendedError(e.code, e.text[:_MOST_EDE_TEXT]) for e in ede[:_MOST_EDE])
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
            self._note_failure(exchange.step.upstream, why, blame=True)
            self.advance()

    def ring(self) -> None:
        """The time set is over: for the upstream asked last, or for everything."""
        self._alarm = _NONE
        if self._asked is None:
            self.give_up()
        else:
            self._silent(self._asked)

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
        self._stop_alarm()
        for exchange in tuple(self._open):
            self._close(exchange)
        self._landed(self)
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(answer)

    def _close(self, exchange: Exchange) -> None:
        self._open.remove(exchange)
        exchange.close()
        self._around.sockets += 1

    def _set_alarm(self, seconds: float, asked: Upstream | None) -> None:
        self._stop_alarm()
        self._asked = asked
        self._alarm = self._around.alarms.start(self, seconds)

    def _stop_alarm(self) -> None:
        if self._alarm != _NONE:
            self._around.alarms.stop(self, self._alarm)
            self._alarm = _NONE


def failure(rcode: Rcode, code: int, text: str) -> Answer:
    """An answer that there is none, and why."""
    return Answer(int(rcode), ra=True, ede=(ExtendedError(code, text),), made_by=MADE_BY, fresh=ONCE)
