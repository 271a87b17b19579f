"""TCP: pipelining, answers out of order, and limits on whoever holds a connection (RFC 7766)."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from typing import cast

from dnspolicy.chain.metrics import Metrics
from dnspolicy.server.caller import Caller, plain
from dnspolicy.server.door import Door
from dnspolicy.server.front import Front

IDLE = 10.0
"""Seconds a connection may stay without a whole message."""
MAX_CONNECTIONS = 1_000
MAX_PER_CLIENT = 100
MAX_IN_FLIGHT = 100
"""Queries under way on one connection; more are read when some are answered."""
TURN = 64
"""Queries read from one connection before the event loop gets its turn."""
MAX_UNSENT = 1 << 20
"""Bytes of answers a client may leave unread before the connection ends."""
STREAM_UNSENT = 128 << 10
"""Bytes of a transfer that wait for the client to read; it goes on when a quarter of them is left."""
PATIENCE = 10.0
"""Seconds without progress that end a transfer."""
MAX_STREAMS = 16
"""Transfers under way on all connections."""
MAX_STREAMS_PER_CLIENT = 4
"""So that one who reads as slowly as is allowed does not keep the others from theirs."""


class TcpLimits:
    """Connections under way, over all listeners of a server."""

    def __init__(self, metrics: Metrics) -> None:
        self.connections: set[TcpConnection] = set()
        self.per_client: Tally[str] = Tally()
        self.streams: Tally[str] = Tally()
        self.refused = metrics.counter("dnspolicy_tcp_connections_refused_total", "Connections over a limit.")
        gauge = metrics.gauge("dnspolicy_tcp_connections", "Open TCP connections.")
        metrics.before_collect(lambda: gauge.set(len(self.connections)))

    def admit(self, connection: TcpConnection, client: str) -> bool:
        if len(self.connections) >= MAX_CONNECTIONS or self.per_client[client] >= MAX_PER_CLIENT:
            self.refused.inc()
            return False
        self.connections.add(connection)
        self.per_client[client] += 1
        return True

    def leave(self, connection: TcpConnection, client: str) -> None:
        if connection in self.connections:
            self.connections.discard(connection)
            self.per_client[client] -= 1
            if not self.per_client[client]:
                del self.per_client[client]

    def begin_stream(self, client: str) -> bool:
        """Whether a transfer may begin; it must be ended then."""
        if self.streams.total() >= MAX_STREAMS or self.streams[client] >= MAX_STREAMS_PER_CLIENT:
            self.refused.inc()
            return False
        self.streams[client] += 1
        return True

    def end_stream(self, client: str) -> None:
        self.streams[client] -= 1
        if not self.streams[client]:
            del self.streams[client]


class TcpConnection(asyncio.Protocol):
    """One client's connection. `door_at` gives the door of the address it came to."""

    def __init__(self, door_at: Callable[[str], Door], front: Front, limits: TcpLimits) -> None:
        self._door_at = door_at
        self._front = front
        self._limits = limits
        self._buffer = bytearray()
        self._under_way = 0
        self._paused = False
        self._reading = False
        self._turn_due = False
        self._ending = False
        self._client, self._port, self._ip = "", 0, ""
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._streams = 0
        self._full = False
        self._room: list[asyncio.Future[None]] = []

    @property
    def door(self) -> Door:
        """Where it came in."""
        return self._door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        self._client, self._port = plain(peer[0]), peer[1]
        self._ip = plain((transport.get_extra_info("sockname") or ("",))[0])
        self._door = self._door_at(self._ip)
        if not self._limits.admit(self, self._client):
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=MAX_UNSENT)
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self._limits.leave(self, self._client)
        if self._idle is not None:
            self._idle.cancel()
        self._transport = None
        self.resume_writing()

    def pause_writing(self) -> None:
        """The client does not read: only a transfer waits for it."""
        self._full = True
        if self._transport is not None and not self._streams:
            self._transport.abort()
        self._throttle()

    def resume_writing(self) -> None:
        self._full = False
        for future in self._room:
            if not future.done():
                future.set_result(None)
        self._room.clear()
        self._read()

    async def stream(self, parts: Iterator[bytes]) -> int:
        """Write messages at the pace of the client; the bytes written. Ends the connection when it does not read."""
        if not self._limits.begin_stream(self._client):
            self.abort()
            return 0
        self._begin_stream()
        sent = 0
        try:
            for wire in parts:
                if self._full:
                    await self._wait_for_room()
                if self._transport is None:
                    break
                self._transport.write(len(wire).to_bytes(2, "big") + wire)
                sent += len(wire)
                self._rest()
                await asyncio.sleep(0)  # making a message takes milliseconds: others have their turn
        finally:
            self._end_stream()
        return sent

    def _begin_stream(self) -> None:
        self._streams += 1
        if self._transport is not None:
            self._transport.set_write_buffer_limits(high=STREAM_UNSENT)

    def _end_stream(self) -> None:
        self._limits.end_stream(self._client)
        self._streams -= 1
        if self._transport is not None and not self._streams:
            self._transport.set_write_buffer_limits(high=MAX_UNSENT)

    async def _wait_for_room(self) -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._room.append(future)
        timer = loop.call_later(PATIENCE, self.abort)
        try:
            await future
        finally:
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._read()

    def eof_received(self) -> bool:
        """The client sends no more; what is under way is still answered."""
        self._ending = True
        self._end_when_done()
        return True

    def finish(self) -> None:
        """Take no further queries; close when those under way are answered."""
        self._ending = True
        self._end_when_done()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _read(self) -> None:
        """Take what has arrived, a turn at a time; answers given meanwhile do not start another."""
        if self._reading or self._turn_due:
            return
        self._reading = True
        try:
            self._turn_due = self._take_turn()
        finally:
            self._reading = False
        if self._turn_due:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._throttle()
        self._end_when_done()

    def _next_turn(self) -> None:
        self._turn_due = False
        self._read()

    def _take_turn(self) -> bool:
        """Whether there may be more in the buffer, though nothing but the turn is over."""
        buffer = self._buffer
        for _ in range(TURN):
            if len(buffer) < 2 or self._ending or self._transport is None or self._busy:
                return False
            size = buffer[0] << 8 | buffer[1]
            if size == 0:
                self._transport.abort()
                return False
            if len(buffer) < size + 2:
                return False
            wire = bytes(buffer[2 : size + 2])
            del buffer[: size + 2]
            self._rest()
            self._under_way += 1
            self._front.receive(wire, self._door, _TcpCaller(self, self._client, self._port, self._ip))
        return True

    def _throttle(self) -> None:
        """Receive no more while too much is under way or waits for its turn."""
        if self._transport is None or self._transport.is_closing():
            return
        full = self._turn_due or self._busy
        if full and not self._paused:
            self._transport.pause_reading()
        elif self._paused and not full:
            self._transport.resume_reading()
        self._paused = full

    @property
    def _busy(self) -> bool:
        return self._full or self._under_way >= MAX_IN_FLIGHT

    def answered(self, wire: bytes | None) -> None:
        """One query is done; None when it gets no reply."""
        self._under_way -= 1
        if self._transport is None:
            return
        if wire is not None:
            self._transport.write(len(wire).to_bytes(2, "big") + wire)
            if self._full and self._transport.get_write_buffer_size() > MAX_UNSENT:
                self._transport.abort()
        if self._paused:
            self._read()
        self._end_when_done()

    def _end_when_done(self) -> None:
        if self._ending and not self._under_way and self._transport is not None:
            self._transport.close()

    def _rest(self) -> None:
        """Start the idle time anew."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE, self._expire)

    def _expire(self) -> None:
        if self._under_way:
            self._rest()
        elif self._transport is not None:
            self._transport.abort()


class _TcpCaller(Caller):
    """Tells a connection exactly once that a query is done."""

    __slots__ = ("_connection",)

    def __init__(self, connection: TcpConnection, source: str, port: int, ip: str) -> None:
        super().__init__(source, port, ip)
        self._connection: TcpConnection | None = connection

    def send(self, wire: bytes) -> None:
        self._tell(wire)

    async def stream(self, parts: Iterator[bytes]) -> int:
        return await self._connection.stream(parts) if self._connection is not None else 0

    def over(self) -> None:
        self._tell(None)

    def _tell(self, wire: bytes | None) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.answered(wire)
