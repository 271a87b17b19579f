"""The connections to one OPA: opened when they are needed, kept, and bounded, like those who wait for one."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from dnspolicy.engines.opa.connection import Connection, Exchange, Kind, Lost
from dnspolicy.engines.opa.http import Reply
from dnspolicy.model.printable import printable
from dnspolicy.policy.settings.opa import Address

CONNECT_SECONDS = 2.0
IDLE_SECONDS = 30.0
"""A connection that was idle for longer is not used again: something on the way may have forgotten it."""
WAITING = 1024
"""So many requests may wait for a connection."""
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))


class Pool:
    """At most `size` connections. Belongs to one event loop from its first request on.

    `tls` gives the context of the next connection, and None for plain ones. `lost` is called when a connection ends
    that nobody here ended.
    """

    def __init__(
        self,
        address: Address,
        size: int,
        *,
        tls: Callable[[], ssl.SSLContext | None],
        server_name: str,
        monotonic: Callable[[], float],
        lost: Callable[[], None],
    ) -> None:
        self._address = address
        self._size = size
        self._tls = tls
        self._server_name = server_name
        self._now = monotonic
        self._lost = lost
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: deque[Exchange] = deque()
        self._waiting_for_new: deque[Exchange] = deque()
        self._closed = False

    def __len__(self) -> int:
        """Open connections."""
        return len(self._all)

    async def ask(self, request: bytes, most: int, seconds: float) -> Reply:
        """The reply to a request, which comes within `seconds` or not at all. Raises Lost.

        It is sent a second time, over a fresh connection, if the first one had been idle and was gone.
        """
        loop = asyncio.get_running_loop()
        until = self._now() + seconds
        try:
            return await self._once(loop, Exchange(request, most, loop.create_future()), seconds)
        except Lost as problem:
            seconds = until - self._now()
            if not problem.again or seconds <= 0:
                raise
        self.renew()  # those that are idle are likely to be gone too
        return await self._once(loop, Exchange(request, most, loop.create_future(), fresh=True), seconds)

    async def _once(self, loop: asyncio.AbstractEventLoop, exchange: Exchange, seconds: float) -> Reply:
        timer = loop.call_later(seconds, _expire, exchange.future)
        try:
            self._place(exchange)
            return await exchange.future
        finally:
            timer.cancel()
            future, connection = exchange.future, exchange.connection
            if future.cancelled() or (connection is not None and future.exception() is not None):
                if connection is not None:
                    self._drop(connection)
            elif not future.done():
                future.cancel()

    def _place(self, exchange: Exchange) -> None:
        """Start the request, or let it wait for a connection."""
        if self._closed:
            raise Lost(Kind.CONNECT, "no longer in use")
        if not exchange.fresh:
            while self._idle:
                connection = self._idle.pop()
                if connection.is_usable and self._now() - connection.idle_since < IDLE_SECONDS:
                    connection.start(exchange)
                    return
                if connection.is_ending:  # which it is about to tell; but by then it is no longer ours
                    self._lost()
                self._drop(connection)
        waiting = self._waiting_for_new if exchange.fresh else self._waiting
        while waiting and waiting[0].future.done():
            waiting.popleft()
        if len(waiting) >= WAITING:
            raise Lost(Kind.BUSY, f"{WAITING} questions wait for a connection already")
        waiting.append(exchange)
        self._open_more()

    def _open_more(self) -> None:
        """As many connections as are waited for, and as there may be."""
        while (
            not self._closed
            and len(self._opening) < len(self._waiting) + len(self._waiting_for_new)
            and len(self._all) + len(self._opening) < self._size
        ):
            task = asyncio.get_running_loop().create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        address = self._address
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if address.socket:
                    await loop.create_unix_connection(self._made, address.socket)
                else:
                    await self._connect(loop)
        except (OSError, ssl.SSLError, ValueError) as problem:
            if not self._all:
                self._fail_waiting(Lost(Kind.CONNECT, _text(problem)))
            return

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> None:
        address = self._address
        name = (self._server_name or address.host) if address.tls else None
        transport, _ = await loop.create_connection(
            self._made, address.host, address.port, ssl=self._tls() if address.tls else None, server_hostname=name
        )
        made = transport.get_extra_info("socket")
        with suppress(OSError, AttributeError):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE:
                made.setsockopt(socket.IPPROTO_TCP, option, value)

    def _made(self) -> Connection:
        return Connection(self._joined, self._free, self._ended)

    def _joined(self, connection: Connection) -> None:
        if self._closed:
            connection.abort()
            return
        self._all.add(connection)
        if not _start_first(self._waiting_for_new, connection):
            self._free(connection)

    def _free(self, connection: Connection) -> None:
        """Give a connection to the first that waits."""
        if self._waiting_for_new and not self._opening:
            self._drop(connection)  # makes room for a new one
            return
        if _start_first(self._waiting, connection):
            return
        connection.idle_since = self._now()
        self._idle.append(connection)

    def _ended(self, connection: Connection) -> None:
        if connection not in self._all:
            return
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._open_more()
        if not connection.ended_here:
            self._lost()

    def _drop(self, connection: Connection) -> None:
        self._all.discard(connection)
        connection.abort()
        self._open_more()

    def _fail_waiting(self, problem: Lost) -> None:
        for waiting in (self._waiting_for_new, self._waiting):
            while waiting:
                future = waiting.popleft().future
                if not future.done():
                    future.set_exception(problem)

    def renew(self) -> None:
        """Use no connection again that is open now; what is under way ends first."""
        for connection in self._idle:
            self._drop(connection)
        self._idle.clear()
        for connection in self._all:
            connection.retired = True

    async def close(self) -> None:
        """End everything."""
        self._closed = True
        self._fail_waiting(Lost(Kind.CONNECT, "no longer in use"))
        for connection in tuple(self._all):
            self._drop(connection)
        self._idle.clear()
        opening = tuple(self._opening)
        for task in opening:
            task.cancel()
        if opening:
            await asyncio.wait(opening)


def _start_first(waiting: deque[Exchange], connection: Connection) -> bool:
    """Start the first that still waits; whether there was one."""
    while waiting:
        exchange = waiting.popleft()
        if not exchange.future.done():
            connection.start(exchange)
            return True
    return False


def _expire(future: asyncio.Future[Reply]) -> None:
    if not future.done():
        future.set_exception(Lost(Kind.TIMEOUT, "no reply in time"))


def _text(problem: Exception) -> str:
    """Why there is no connection, in words for people."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {printable(problem.verify_message)}"
    if isinstance(problem, ssl.SSLError):
        return f"no TLS: {printable(problem.reason or str(problem))}"
    if isinstance(problem, TimeoutError):
        return "nobody takes the connection"
    if isinstance(problem, OSError) and problem.errno:
        return os.strerror(problem.errno) if problem.errno > 0 else printable(problem.strerror or str(problem))
    return printable(str(problem) or type(problem).__name__)
