"""Looks after upstreams that failed: asks them again and again until they answer."""

from __future__ import annotations

from struct import Struct

from dnspolicy.model.query import Transport
from dnspolicy.model.rr import Class, Type
from dnspolicy.plugins.forward.attempt import Step
from dnspolicy.plugins.forward.exchange import Exchange
from dnspolicy.plugins.forward.lines import Lines
from dnspolicy.plugins.forward.match import Expected, Match
from dnspolicy.plugins.forward.peer import Peer

PATIENCE = 1.0
"""Seconds a check waits for an answer."""
INTEREST = 60.0
"""Seconds without a question after which an upstream is no longer checked; the next question starts it again."""
_SHORTEST = 0.05
_HEADER = Struct("!HHHHHH")
_QUESTION = Struct("!HH")
_RD = 0x0100


class Checks:
    """Of all upstreams. Nothing runs for those that answer, or that nobody asks for."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._running: dict[Peer, _Check] = {}

    def doubt(self, peer: Peer) -> None:
        """A question to it failed: check it now, unless it is being checked or never to be down."""
        if peer.settings.max_fails and not peer.gone:
            peer.suspect = True
            self.want(peer)

    def want(self, peer: Peer) -> None:
        """Somebody would like to ask an upstream that is in doubt."""
        check = self._running.get(peer)
        if check is None:
            check = self._running[peer] = _Check(peer, self._lines, self._running)
            check.wanted = self._lines.ties.clock.monotonic()
            check.ask()
        else:
            check.wanted = self._lines.ties.clock.monotonic()

    def forget(self, peer: Peer) -> None:
        """Stop checking."""
        check = self._running.get(peer)
        if check is not None:
            check.stop()

    def close(self) -> None:
        """Stop checking all of them."""
        for peer in tuple(self._running):
            self.forget(peer)


class _Check:
    """One upstream being checked: any message that is an answer says that it is there."""

    def __init__(self, peer: Peer, lines: Lines, running: dict[Peer, _Check]) -> None:
        self.wanted = 0.0
        self._peer = peer
        self._lines = lines
        self._running = running
        self._exchange: Exchange | None = None
        self._alarm: int | None = None

    def ask(self) -> None:
        peer, settings, ties = self._peer, self._peer.settings, self._lines.ties
        name = settings.check_name
        flags = _RD if settings.recursive else 0
        wire = _HEADER.pack(ties.ids.take(), flags, 1, 0, 0, 0) + name.wire + _QUESTION.pack(Type.NS, Class.IN)
        transport = Transport.TCP if peer.secure or settings.check_tcp else Transport.UDP
        step = Step(peer, transport, False, PATIENCE, check=True)
        expected = Expected(wire, len(name.wire))
        try:
            self._exchange = self._lines.send(step, wire, expected, 0.0, self._heard, self._broke)
        except OSError:
            self._failed()
        else:
            self._alarm = ties.alarms.start(self, PATIENCE)

    def stop(self) -> None:
        """For good."""
        self._quiet()
        self._running.pop(self._peer, None)

    def ring(self) -> None:
        """A check took too long, or the next one is due."""
        self._alarm = None
        if self._exchange is not None:
            self._exchange.silent()
            self._failed()
        elif not self._peer.suspect or self._lines.ties.clock.monotonic() - self.wanted > INTEREST:
            self.stop()
        else:
            self.ask()

    def _heard(self, exchange: Exchange, wire: bytes) -> bool:
        if exchange.expected.match(wire) in (Match.WRONG_ID, Match.MALFORMED):
            return True
        self._peer.answered()
        self.stop()
        return False

    def _broke(self, exchange: Exchange, why: str, blame: bool) -> None:
        self._failed()

    def _failed(self) -> None:
        self._quiet()
        self._peer.fails += 1
        ties = self._lines.ties
        ties.counts.check_failed(self._peer)
        self._alarm = ties.alarms.start(self, max(self._peer.settings.interval, _SHORTEST))

    def _quiet(self) -> None:
        if self._alarm is not None:
            self._lines.ties.alarms.stop(self, self._alarm)
            self._alarm = None
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None
