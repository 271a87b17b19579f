"""The sockets: one question to one upstream, over UDP or TCP."""

from __future__ import annotations

import asyncio
import select
import socket
from _socket import socket as RawSocket  # noqa: N812 without the Python class around it, slower than the system call
from collections.abc import Callable

from dnspolicy.plugins.forward.attempt import Step
from dnspolicy.plugins.forward.match import Expected
from dnspolicy.plugins.forward.sources import Sources
from dnspolicy.plugins.forward.upstreams import Upstream

_ROOM = 4096
_AT_ONCE = 16
"""Datagrams taken from one socket before others have their turn."""
_SOCKETS_AT_ONCE = 64
_MOST_FRAMES = 16

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

    def close(self) -> None:
        raise NotImplementedError


class Waiters:
    """The UDP sockets of all questions, waited for together.

    One epoll object of our own stands in the event loop for all of them: adding a socket is then one system call, and
    no work for the loop, which matters where every question has a socket of its own.
    """

    __slots__ = ("_callbacks", "_epoll", "_loop", "_sources")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._sources = {family: Sources(family) for family in (socket.AF_INET, socket.AF_INET6)}
        self._callbacks: dict[int, Callable[[], None]] = {}
        loop.add_reader(self._epoll.fileno(), self._ready)

    def send(self, upstream: Upstream, wire: bytes, callback: Callable[[], None]) -> RawSocket:
        """Send from a port of its own, and call back while there is something to read. Raises OSError."""
        sock, new = self._sources[upstream.family].take()
        try:
            sock.connect((upstream.ip, upstream.port))
            sock.send(wire)
            if new:
                self._epoll.register(sock.fileno(), select.EPOLLIN)
        except OSError:
            sock.close()
            raise
        self._callbacks[sock.fileno()] = callback
        return sock

    def release(self, upstream: Upstream, sock: RawSocket) -> None:
        """Listen no more. A socket that is closed leaves the epoll object by itself (epoll(7), Q6)."""
        del self._callbacks[sock.fileno()]
        self._sources[upstream.family].give_back(sock)

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
        self._socket = waiters.send(self.step.upstream, wire, self._readable)
        self._waiters = waiters

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
        self._waiters.release(self.step.upstream, self._socket)


class TcpExchange(Exchange):
    """One question over a connection of its own (RFC 7766)."""

    __slots__ = ("_task", "_wire")

    _task: asyncio.Task[None]
    _wire: bytes

    def send(self, loop: asyncio.AbstractEventLoop, wire: bytes) -> None:
        self._wire = wire
        self._task = loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._converse()
        except asyncio.IncompleteReadError:
            self._broke(self, "closed the connection without an answer")
        except OSError as problem:
            self._broke(self, reason(problem))

    async def _converse(self) -> None:
        reader, writer = await asyncio.open_connection(self.step.upstream.ip, self.step.upstream.port)
        try:
            writer.write(len(self._wire).to_bytes(2, "big") + self._wire)
            for _ in range(_MOST_FRAMES):
                size = int.from_bytes(await reader.readexactly(2), "big")
                if not self._heard(self, await reader.readexactly(size)):
                    return
            raise OSError("said too much that was no answer")
        finally:
            writer.transport.abort()

    def close(self) -> None:
        self._task.cancel()


def reason(problem: OSError) -> str:
    """In a few words, ours or the system's."""
    return (problem.strerror or str(problem) or type(problem).__name__).lower()
