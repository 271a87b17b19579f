"""The sockets: one question to one upstream, over UDP or TCP."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable

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

    __slots__ = ("started", "upstream")

    def __init__(self, upstream: Upstream, started: float) -> None:
        self.upstream = upstream
        self.started = started

    def close(self) -> None:
        raise NotImplementedError


class Waiters:
    """The UDP sockets of all questions, waited for together.

    One epoll object of our own stands in the event loop for all of them: adding and removing a socket is then one
    system call and no work for the loop, which matters where every question has a socket of its own.
    """

    __slots__ = ("_callbacks", "_epoll", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        loop.add_reader(self._epoll.fileno(), self._ready)

    def add(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back while there is something to read. Raises OSError."""
        self._epoll.register(fd, select.EPOLLIN)
        self._callbacks[fd] = callback

    def remove(self, fd: int) -> None:
        """Before the socket is closed."""
        del self._callbacks[fd]
        self._epoll.unregister(fd)

    def close(self) -> None:
        """After the last socket."""
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _ready(self) -> None:
        for fd, _ in self._epoll.poll(0, _SOCKETS_AT_ONCE):
            callback = self._callbacks.get(fd)  # none if an earlier one of these closed it
            if callback is not None:
                callback()


class UdpExchange(Exchange):
    """One datagram from a socket of its own.

    The socket is connected, so the kernel picks a random source port (RFC 6056) and lets in only what comes from the
    upstream's address and port; a refusal (ICMP) arrives as an error at once. Raises OSError when it cannot be sent.
    """

    __slots__ = ("_broke", "_fd", "_heard", "_socket", "_waiters")

    def __init__(
        self, waiters: Waiters, upstream: Upstream, wire: bytes, started: float, heard: Heard, broke: Broke
    ) -> None:
        super().__init__(upstream, started)
        self._waiters = waiters
        self._heard = heard
        self._broke = broke
        sock = self._socket = socket.socket(upstream.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            sock.connect((upstream.ip, upstream.port))
            sock.send(wire)
            self._fd = sock.fileno()
            waiters.add(self._fd, self._readable)
        except OSError:
            sock.close()
            raise

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
        self._waiters.remove(self._fd)
        self._socket.close()


class TcpExchange(Exchange):
    """One question over a connection of its own (RFC 7766)."""

    __slots__ = ("_broke", "_heard", "_seconds", "_task", "_wire")

    def __init__(self, upstream: Upstream, wire: bytes, started: float, heard: Heard, broke: Broke) -> None:
        super().__init__(upstream, started)
        self._heard = heard
        self._broke = broke
        self._wire = wire
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._converse()
        except asyncio.IncompleteReadError:
            self._broke(self, "closed the connection without an answer")
        except OSError as problem:
            self._broke(self, reason(problem))

    async def _converse(self) -> None:
        reader, writer = await asyncio.open_connection(self.upstream.ip, self.upstream.port)
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
