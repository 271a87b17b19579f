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

Heard = Callable[["Exchange", bytes], bool]
"""Told each message that came; whether to go on listening."""
Broke = Callable[["Exchange", str], None]
"""Told why nothing can come any more."""


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

    def broke(self, why: str) -> None:
        """Nothing can come any more."""
        self._broke(self, why)

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
    """

    __slots__ = ("_budget", "_callbacks", "_epoll", "_loop", "_sources")

    def __init__(self, loop: asyncio.AbstractEventLoop, budget: Budget) -> None:
        self._loop = loop
        self._budget = budget
        self._epoll = select.epoll()
        self._sources: dict[tuple[socket.AddressFamily, str], Sources] = {}
        self._callbacks: dict[int, Callable[[], None]] = {}
        loop.add_reader(self._epoll.fileno(), self._ready)

    def send(self, peer: Peer, wire: bytes, callback: Callable[[], None]) -> RawSocket:
        """Send from a port of its own, and call back while there is something to read. Raises OSError."""
        if self._budget.left <= 0:
            self._budget.take()
        sock, new = (peer.sources or self._sources_of(peer)).take()
        try:
            sock.connect((peer.ip, peer.port))
            sock.send(wire)
            if new:
                self._epoll.register(sock.fileno(), select.EPOLLIN)
        except OSError:
            sock.close()
            raise
        self._callbacks[sock.fileno()] = callback
        self._budget.left -= 1
        return sock

    def release(self, peer: Peer, sock: RawSocket) -> None:
        """Listen no more. A socket that is closed leaves the epoll object by itself (epoll(7), Q6)."""
        del self._callbacks[sock.fileno()]
        self._budget.left += 1
        (peer.sources or self._sources_of(peer)).give_back(sock)

    def _sources_of(self, peer: Peer) -> Sources:
        key = peer.family, peer.settings.source
        sources = self._sources.get(key)
        if sources is None:
            sources = self._sources[key] = Sources(*key)
        peer.sources = sources
        return sources

    def close(self) -> None:
        """After the last question."""
        for sources in self._sources.values():
            sources.close()
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _ready(self) -> None:
        callbacks = self._callbacks
        for fd, _ in self._epoll.poll(0, _SOCKETS_AT_ONCE):
            callback = callbacks.get(fd)  # none if an earlier one of these closed it
            if callback is not None:
                callback()


class UdpExchange(Exchange):
    """One datagram from a socket of its own, with a source port of its own.

    The socket is connected, so the kernel picks a random source port (RFC 6056) and lets in only what comes from the
    upstream's address and port; a refusal (ICMP) arrives as an error at once. `send` raises OSError when it cannot
    be sent.
    """

    __slots__ = ("_socket", "_waiters")

    _socket: RawSocket
    _waiters: Waiters

    def send(self, waiters: Waiters, wire: bytes) -> None:
        self._socket = waiters.send(self.step.peer, wire, self._readable)
        self._waiters = waiters
        if not self.step.check:
            self.step.peer.asked_udp += 1

    def _readable(self) -> None:
        receive, heard = self._socket.recv, self._heard
        try:
            for _ in range(_AT_ONCE):
                if not heard(self, receive(_ROOM)):
                    return
        except BlockingIOError:
            return
        except OSError as problem:
            self._broke(self, reason(problem))

    def close(self) -> None:
        self._waiters.release(self.step.peer, self._socket)


def reason(problem: OSError) -> str:
    """In a few words, ours or the system's."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"has a certificate that is not believed: {problem.verify_message}"
    if isinstance(problem, ssl.SSLError):
        return f"does not speak TLS as it should: {problem.reason or 'no reason given'}".lower()
    return (problem.strerror or str(problem) or type(problem).__name__).lower()
