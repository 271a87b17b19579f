"""The sockets: one question to one upstream, over UDP or TCP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from dnspolicy.plugins.forward.upstreams import Upstream

_ROOM = 4096
_AT_ONCE = 16
"""Datagrams taken from one socket before others have their turn."""
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


class UdpExchange(Exchange):
    """One datagram from a socket of its own.

    The socket is connected, so the kernel picks a random source port (RFC 6056) and lets in only what comes from the
    upstream's address and port; a refusal (ICMP) arrives as an error at once. Raises OSError when it cannot be sent.
    """

    __slots__ = ("_broke", "_heard", "_loop", "_socket")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        upstream: Upstream,
        wire: bytes,
        started: float,
        heard: Heard,
        broke: Broke,
    ) -> None:
        super().__init__(upstream, started)
        self._loop = loop
        self._heard = heard
        self._broke = broke
        sock = self._socket = socket.socket(upstream.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            sock.connect((upstream.ip, upstream.port))
            sock.send(wire)
            loop.add_reader(sock.fileno(), self._readable)
        except BaseException:
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
            self.close()
            self._broke(self, reason(problem))

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()


class TcpExchange(Exchange):
    """One question over a connection of its own (RFC 7766)."""

    __slots__ = ("_broke", "_heard", "_seconds", "_task", "_wire")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        upstream: Upstream,
        wire: bytes,
        started: float,
        heard: Heard,
        broke: Broke,
    ) -> None:
        super().__init__(upstream, started)
        self._heard = heard
        self._broke = broke
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
