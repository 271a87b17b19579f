"""One question to one upstream, and the sockets of those over UDP."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
import ssl
from _socket import socket as RawSocket  # noqa: N812 without the Python class around it, slower than the system call
from collections.abc import Callable

from dnspolicy.plugins.forward.attempt import Step
from dnspolicy.plugins.forward.match import Expected
from dnspolicy.plugins.forward.peer import Peer
from dnspolicy.plugins.forward.sources import Sources

_ROOM = 4096
_AT_ONCE = 16
"""Datagrams taken from one socket before others have their turn."""
_SOCKETS_AT_ONCE = 64
_MOST_RESTING = 128
OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""Errors that say nothing about the upstream."""

Heard = Callable[["Exchange", bytes], bool]
"""Told each message that came; whether to go on listening."""
Broke = Callable[["Exchange", str, bool], None]
"""Told why nothing can come any more, and whether that says something about the upstream."""


class Exchange:
    """A question on its way. Either `heard` or `broke` may be called, never after `close`."""

    __slots__ = ("_broke", "_heard", "expected", "started", "step")

    def __init__(self, step: Step, expected: Expected, started: float, heard: Heard, broke: Broke) -> None:
        self.step = step
        self.expected = expected
        self.started = started
        self._heard = heard
        self._broke = broke

    def heard(self, wire: bytes) -> bool:
        """A message came: whether to go on listening."""
        return self._heard(self, wire)

    def broke(self, why: str, *, blame: bool = True) -> None:
        """Nothing can come any more; `blame`: that says something about the upstream."""
        self._broke(self, why, blame)

    def close(self) -> None:
        """Listen no more."""
        raise NotImplementedError

    def silent(self) -> None:
        """Nothing came in the time given; listening goes on."""


class Budget:
    """How many more sockets may be open."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self) -> None:
        """One more is opened. Raises OSError (EMFILE) when there may not be."""
        if self.left <= 0:
            raise OSError(errno.EMFILE, "too many questions are on their way")
        self.left -= 1


class Waiters:
    """The UDP sockets of all questions, waited for together.

    One epoll object of our own stands in the event loop for all of them: adding a socket is then one system call, and
    no work for the loop, which matters where every question has a socket of its own.

    A socket that has been used rests until the next look at all of them, which says whether anything is left in it.
    Questions that are asked in one turn of the event loop leave together: the upstream then wakes once for all of them.
    """

    __slots__ = ("_budget", "_epoll", "_loop", "_open", "_resting", "_sources", "_unsent")

    def __init__(self, loop: asyncio.AbstractEventLoop, budget: Budget) -> None:
        self._loop = loop
        self._budget = budget
        self._epoll = select.epoll()
        self._sources: dict[tuple[socket.AddressFamily, str], Sources] = {}
        self._open: dict[int, UdpExchange] = {}
        self._resting: list[tuple[RawSocket, Sources]] = []
        self._unsent: list[UdpExchange] = []
        loop.add_reader(self._epoll.fileno(), self._ready)

    def open(self, peer: Peer, exchange: UdpExchange) -> RawSocket:
        """A socket with a port of its own, from which `exchange` leaves soon and which it reads.

        Raises OSError.
        """
        if self._budget.left <= 0:
            self._budget.take()
        sock, new = (peer.sources or self._sources_of(peer)).take()
        try:
            sock.connect((peer.ip, peer.port))
            if new:
                self._epoll.register(sock.fileno(), select.EPOLLIN)
        except OSError:
            sock.close()
            raise
        self._open[sock.fileno()] = exchange
        self._budget.left -= 1
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(exchange)
        return sock

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        for exchange in unsent:
            exchange.leave()

    def release(self, peer: Peer, sock: RawSocket) -> None:
        """Listen no more. A socket that is closed leaves the epoll object by itself (epoll(7), Q6)."""
        del self._open[sock.fileno()]
        self._budget.left += 1
        sources = peer.sources or self._sources_of(peer)
        if len(self._resting) >= _MOST_RESTING:
            sock.close()
        elif sources.dissolve(sock):
            self._resting.append((sock, sources))

    def _sources_of(self, peer: Peer) -> Sources:
        key = peer.family, peer.settings.source
        sources = self._sources.get(key)
        if sources is None:
            sources = self._sources[key] = Sources(*key)
        peer.sources = sources
        return sources

    def close(self) -> None:
        """After the last question."""
        for sock, _ in self._resting:
            sock.close()
        self._resting.clear()
        for sources in self._sources.values():
            sources.close()
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _ready(self) -> None:
        opened = self._open
        ready = dict(self._epoll.poll(0, _SOCKETS_AT_ONCE))
        if self._resting and len(ready) < _SOCKETS_AT_ONCE:  # else more may be ready than we are told
            self._settle(ready)
        for fd in ready:
            exchange = opened.get(fd)  # none if an earlier one of these closed it
            if exchange is not None:
                exchange.readable()

    def _settle(self, ready: dict[int, int]) -> None:
        """Of the resting sockets, keep those in which nothing is left."""
        resting, self._resting = self._resting, []
        for sock, sources in resting:
            if sock.fileno() in ready:
                sock.close()
            else:
                sources.keep(sock)


class UdpExchange(Exchange):
    """One datagram from a socket of its own, with a source port of its own.

    The socket is connected, so the kernel picks a random source port (RFC 6056) and lets in only what comes from the
    upstream's address and port; a refusal (ICMP) arrives as an error at once. `send` raises OSError when there is no
    way to the upstream.
    """

    __slots__ = ("_socket", "_unsent", "_waiters")

    _socket: RawSocket
    _waiters: Waiters

    def send(self, waiters: Waiters, wire: bytes) -> None:
        self._unsent = wire
        self._waiters = waiters
        self._socket = waiters.open(self.step.peer, self)
        if not self.step.check:
            self.step.peer.asked_udp += 1

    def leave(self) -> None:
        """Really send, unless it is over already."""
        wire, self._unsent = self._unsent, b""
        if wire:
            try:
                self._socket.send(wire)
            except OSError as problem:
                self.broke(reason(problem), blame=problem.errno not in OURS)

    def readable(self) -> None:
        """There is something to read."""
        receive, heard = self._socket.recv, self._heard
        try:
            for _ in range(_AT_ONCE):
                if not heard(self, receive(_ROOM)):
                    return
        except BlockingIOError:
            return
        except OSError as problem:
            self.broke(reason(problem))

    def close(self) -> None:
        self._unsent = b""
        self._waiters.release(self.step.peer, self._socket)


def reason(problem: OSError) -> str:
    """In a few words, ours or the system's."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"has a certificate that is not believed: {problem.verify_message}"
    if isinstance(problem, ssl.SSLError):
        return f"does not speak TLS as it should: {problem.reason or 'no reason given'}".lower()
    return (problem.strerror or str(problem) or type(problem).__name__).lower()
