"""One question in flight: sends, listens, and tells everybody who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from dnspolicy.model.answer import ONCE, Answer, EdeCode, ExtendedError
from dnspolicy.model.errors import WireError
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.forward.attempt import Attempts, Step
from dnspolicy.plugins.forward.checks import Checks
from dnspolicy.plugins.forward.exchange import OURS, Exchange, reason
from dnspolicy.plugins.forward.lines import Lines
from dnspolicy.plugins.forward.match import Expected, Match, dislikes_edns
from dnspolicy.plugins.forward.peer import Peer
from dnspolicy.plugins.forward.question import Options, encode
from dnspolicy.plugins.forward.scrub import scrub
from dnspolicy.wire.message import Response, decode_response

MADE_BY = "forward"
Key = tuple[bytes, int, int, bool, bool, Options, int, bool]
"""Lower-cased name in wire form, type, class, DO, CD, EDNS options that are passed on, number of the route, whether
a truncated answer is handed on."""
_NONE = -1
_MOST_EDE, _MOST_EDE_TEXT = 3, 120


class Ways(msgspec.Struct, frozen=True, eq=False):
    """What all flights of one server use. `landed` is told of each that is over."""

    lines: Lines
    checks: Checks
    landed: Callable[[Flight], None]


class Flight:
    """Belongs to no task: events move it, so that nobody's cancellation ends it for the others.

    It ends with the first usable answer, when nothing is left to try, or at `deadline` (monotonic seconds).
    """

    __slots__ = (
        "_alarm", "_asked", "_attempts", "_checks", "_failover", "_hands_on", "_landed", "_lines", "_open", "_options",
        "_spare", "_ties", "deadline", "key", "query", "waiters",
    )  # fmt: skip

    def __init__(
        self,
        ways: Ways,
        key: Key,
        query: Query,
        attempts: Attempts,
        deadline: float,
        failover: frozenset[int],
    ) -> None:
        self.key = key
        self.query = query
        self.deadline = deadline
        self.waiters: list[asyncio.Future[Answer]] = []
        self._lines, self._checks, self._landed = ways.lines, ways.checks, ways.landed
        self._ties = ways.lines.ties
        self._attempts = attempts
        self._failover = failover
        self._options: Options = key[5]
        self._hands_on = key[7]
        self._open: list[Exchange] = []
        self._asked: Peer | None = None
        self._spare: Answer | None = None
        self._alarm = _NONE

    def advance(self, now: float, *, silent: bool = False) -> None:
        """Take the next step there is; land when there is none and nobody is left to hear from.

        `silent`: the last one that was asked has used up its time.
        """
        while True:
            step = self._attempts.next(now)
            if step is None:
                if self._open and now < self.deadline and self._spare is None and not silent:
                    self._set_alarm(self.deadline - now, None)
                else:
                    self.give_up()
                return
            try:
                self._send(step, now)
            except OSError as problem:
                self._note_failure(step.peer, reason(problem), blame=problem.errno not in OURS)
                now = self._ties.clock.monotonic()
                continue
            self._set_alarm(step.seconds, step.peer)
            return

    def give_up(self) -> None:
        """Land without an answer: SERVFAIL that says why (RFC 8914 4.23, 4.24); or with one others were to better."""
        if self._spare is not None:
            self._land(self._spare)
            return
        attempts = self._attempts
        for exchange in self._open:
            attempts.silent(exchange.step.peer)
        code = EdeCode.NO_REACHABLE_AUTHORITY if attempts.heard_nothing else EdeCode.NETWORK_ERROR
        self._land(failure(Rcode.SERVFAIL, code, attempts.story()))

    def _send(self, step: Step, now: float) -> None:
        wire = encode(self.query, self._ties.ids.take(), self._options, edns=step.edns)
        expected = Expected(wire, len(self.query.name.wire))
        self._open.append(self._lines.send(step, wire, expected, now, self._heard, self._broke))

    def _heard(self, exchange: Exchange, wire: bytes) -> bool:
        """A message came: whether to go on listening there."""
        step = exchange.step
        match = exchange.expected.match(wire)
        if match is Match.ANSWER or match is Match.BARE_ERROR:
            if step.edns and dislikes_edns(wire):
                self._attempts.disliked_edns(step.peer, step.transport)
            elif match is Match.BARE_ERROR:
                self._note_failure(step.peer, "answered with an error and no question", blame=False)
            else:
                return self._read(exchange, wire)
        elif match is Match.TRUNCATED:
            if step.transport is Transport.TCP:
                self._note_failure(step.peer, "truncated its answer over TCP", blame=True)
            elif self._hands_on and self._legible(wire) is not None:
                return self._read(exchange, wire)
            else:
                self._fetch_whole(exchange, wire)
        else:
            self._ties.counts.ignored(step.peer, match)
            return True
        self._close(exchange)
        self.advance(self._ties.clock.monotonic())
        return False

    def _read(self, exchange: Exchange, wire: bytes) -> bool:
        ties, peer = self._ties, exchange.step.peer
        try:
            response = decode_response(wire, self.query.name)
        except WireError:
            ties.counts.ignored(peer, Match.MALFORMED)
            return True
        if peer.suspect:
            peer.answered()
        ties.counts.answered(peer, response.rcode, ties.clock.monotonic() - exchange.started)
        answer = self._answer(response, peer)
        if response.rcode in self._failover and self._attempts.declined(peer):
            self._spare = answer
            self._close(exchange)
            self.advance(self._ties.clock.monotonic())
        else:
            self._land(answer)
        return False

    def _fetch_whole(self, exchange: Exchange, wire: bytes) -> None:
        """Ask over TCP; if that fails, a client over UDP gets what there is, and can try for itself."""
        peer = exchange.step.peer
        if self._spare is None and self.query.transport is Transport.UDP:
            response = self._legible(wire)
            self._spare = None if response is None else self._answer(response, peer)
        self._attempts.truncated(peer)

    def _legible(self, wire: bytes) -> Response | None:
        """A truncated message; None when it ends within a record."""
        try:
            return decode_response(wire, self.query.name)
        except WireError:
            return None

    def _answer(self, response: Response, peer: Peer) -> Answer:
        query = self.query
        proofs = query.edns is not None and query.edns.do
        answer, authority = scrub(query.name, query.qtype, response, proofs)
        lost = len(response.answer) + len(response.authority) - len(answer) - len(authority)
        if lost > 0:
            self._ties.counts.scrubbed.inc(amount=lost)
        ede = response.ede
        if ede:
            ede = tuple(ExtendedError(e.code, e.text[:_MOST_EDE_TEXT]) for e in ede[:_MOST_EDE])
        return Answer(
            response.rcode,
            answer,
            authority,
            ra=response.ra,
            tc=response.tc,
            ede=ede,
            made_by=MADE_BY,
            fresh=ONCE,
            upstream=peer.text,
            private=bool(self._options),
        )

    def _broke(self, exchange: Exchange, why: str, blame: bool) -> None:
        if exchange in self._open:
            self._close(exchange)
            self._note_failure(exchange.step.peer, why, blame=blame)
            self.advance(self._ties.clock.monotonic())

    def ring(self) -> None:
        """The time set is over: for the upstream asked last, or for everything."""
        self._alarm = _NONE
        if self._asked is None:
            self.give_up()
        else:
            self._silent(self._asked)

    def _silent(self, peer: Peer) -> None:
        self._attempts.silent(peer)
        for exchange in self._open:
            if exchange.step.peer is peer:
                exchange.silent()
        self._checks.doubt(peer)
        self._ties.counts.failed(peer, "silent")
        self.advance(self._ties.clock.monotonic(), silent=True)

    def _note_failure(self, peer: Peer, why: str, *, blame: bool) -> None:
        self._attempts.failed(peer, why)
        self._ties.counts.failed(peer, "error")
        if blame:
            self._checks.doubt(peer)

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

    def _set_alarm(self, seconds: float, asked: Peer | None) -> None:
        self._stop_alarm()
        self._asked = asked
        self._alarm = self._ties.alarms.start(self, seconds)

    def _stop_alarm(self) -> None:
        if self._alarm != _NONE:
            self._ties.alarms.stop(self, self._alarm)
            self._alarm = _NONE


def failure(rcode: Rcode, code: int, text: str) -> Answer:
    """An answer that there is none, and why."""
    return Answer(int(rcode), ra=True, ede=(ExtendedError(code, text),), made_by=MADE_BY, fresh=ONCE)
