"""Questions over TCP and TLS, on connections that are kept (RFC 7766, RFC 7858)."""

from __future__ import annotations

import asyncio
from typing import cast

from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins.forward.exchange import Exchange, reason
from dnspolicy.plugins.forward.match import Match
from dnspolicy.plugins.forward.peer import Peer
from dnspolicy.plugins.forward.ties import Ties
from dnspolicy.wire.accept import HEADER

_MOST_CONNECTIONS = 8
"""Connections to one upstream, as long as it takes several questions on one."""
_MOST_PENDING = 256
_MOST_NONSENSE = 16
"""Messages in a row on one connection that answer nothing."""
_MOST_LATE = 64
_LONGEST_OPENING = 5.0


class StreamExchange(Exchange):
    """One question on a connection that others may use too."""

    __slots__ = ("again", "connection", "frame")

    connection: Connection
    frame: bytes
    again: bool
    """It has been on another connection, which broke."""

    def send(self, pool: Pool, wire: bytes) -> None:
        """Raises OSError when no connection can be had."""
        self.frame = len(wire).to_bytes(2, "big") + wire
        self.again = False
        pool.place(self)

    @property
    def id(self) -> bytes:
        return self.frame[2:4]

    def close(self) -> None:
        self.connection.forget(self)

    def silent(self) -> None:
        self.connection.doubtful = True


class Connection(asyncio.Protocol):
    """A connection to one upstream. Answers come in any order and are told apart by their ids.

    `used`, `opened`: monotonic times. `doubtful`: silent when it should have spoken, so nothing more is asked on it.
    """

    def __init__(self, pool: Pool, now: float) -> None:
        self.pending: dict[bytes, StreamExchange] = {}
        self.late: set[bytes] = set()
        self.used = self.opened = now
        self.doubtful = False
        self.answered = False
        self._pool = pool
        self._ended = False
        self._nonsense = 0
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._task = pool.ties.loop.create_task(self._open())

    async def _open(self) -> None:
        peer, source = self._pool.peer, self._pool.peer.settings.source
        try:
            async with asyncio.timeout(_LONGEST_OPENING):
                await self._pool.ties.loop.create_connection(
                    lambda: self,
                    peer.ip,
                    peer.port,
                    ssl=peer.tls,
                    server_hostname=peer.server_name,
                    local_addr=(source, 0) if source else None,
                )
        except TimeoutError:
            self.end("could not be connected to in time")
        except OSError as problem:
            self.end(reason(problem))
        except ConfigError as problem:
            self.end(str(problem))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)  # uvloop's own are none by inheritance
        if self._ended:
            stream.abort()
            return
        self._transport = stream
        stream.write(b"".join(exchange.frame for exchange in self.pending.values()))

    def carry(self, exchange: StreamExchange) -> None:
        """Send it now, or when there is a connection."""
        exchange.connection = self
        self.pending[exchange.id] = exchange
        if self._transport is not None:
            self._transport.write(exchange.frame)

    def knows(self, id_: bytes) -> bool:
        """Whether this id would be ambiguous."""
        return id_ in self.pending or id_ in self.late

    def forget(self, exchange: StreamExchange) -> None:
        """Nobody waits for the answer any more, or it has come."""
        if self.pending.pop(exchange.id, None) is None:
            return
        if self._transport is None:
            if not self.pending:
                self.end("")
            return
        self.late.add(exchange.id)
        if len(self.late) > _MOST_LATE:
            self.doubtful = True
        self._settle()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while len(buffer) >= 2 and not self._ended:
            end = 2 + int.from_bytes(buffer[:2], "big")
            if len(buffer) < end:
                return
            wire = bytes(buffer[2:end])
            del buffer[:end]
            self._take(wire)

    def _take(self, wire: bytes) -> None:
        id_ = wire[:2]
        exchange = self.pending.pop(id_, None)
        if exchange is None:
            if id_ in self.late:
                self.late.discard(id_)
                return
            self._pool.ties.counts.ignored(self._pool.peer, Match.MALFORMED if len(wire) < HEADER else Match.WRONG_ID)
            self._note_nonsense()
        elif exchange.heard(wire):
            self.pending[id_] = exchange
            self._note_nonsense()
        else:
            self._nonsense = 0
            self.answered = True
            self.used = self._pool.ties.clock.monotonic()
            self._settle()

    def _note_nonsense(self) -> None:
        self._nonsense += 1
        if self._nonsense > _MOST_NONSENSE:
            self.end("said too much that was no answer")

    def _settle(self) -> None:
        if not self.pending and not self._ended:
            self._pool.rest(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered and self.pending:
            self._pool.one_at_a_time = True
        self.end(reason(exc) if isinstance(exc, OSError) else "closed the connection without an answer")

    def end(self, why: str) -> None:
        """Close it. What was asked on it is asked once more on a new one if this one had been good for others."""
        if self._ended:
            return
        self._ended = True
        self._pool.gone(self)
        if self._transport is not None:
            self._transport.abort()
        elif self._task is not asyncio.current_task(self._pool.ties.loop):
            self._task.cancel()
        waiting = list(self.pending.values())
        self.pending.clear()
        for exchange in waiting:
            if not (self.answered and self._pool.again(exchange)):
                exchange.broke(why)


class Pool:
    """The connections to one upstream.

    One that is free is taken; else a new one is opened, up to a few; else questions share them. An upstream that
    closes connections with questions left on them is asked one question at a time on each.
    """

    def __init__(self, peer: Peer, ties: Ties) -> None:
        self.peer = peer
        self.ties = ties
        self.one_at_a_time = False
        self._all: dict[Connection, None] = {}
        self._idle: dict[Connection, None] = {}
        self._retired = False
        self._timer: asyncio.TimerHandle | None = None

    def place(self, exchange: StreamExchange) -> None:
        """Ask on some connection. Raises OSError when none may be opened."""
        found = self._free(exchange.id) or self._shared(exchange.id)
        if not exchange.step.check:
            self.ties.counts.connection(self.peer, kept=found is not None)
        if found is None:
            self.ties.budget.take()
            found = Connection(self, self.ties.clock.monotonic())
            self._all[found] = None
        found.carry(exchange)

    def again(self, exchange: StreamExchange) -> bool:
        """Ask once more what was on a connection that broke; whether that can be done."""
        if exchange.again or self._retired:
            return False
        exchange.again = True
        for connection in tuple(self._idle):  # what broke one may have broken these too, unnoticed
            connection.end("")
        try:
            self.place(exchange)
        except OSError:
            return False
        return True

    def _free(self, id_: bytes) -> Connection | None:
        now = self.ties.clock.monotonic()
        for connection in tuple(self._idle):
            if connection.doubtful or self._too_old(connection, now):
                connection.end("")
            elif id_ not in connection.late:
                del self._idle[connection]
                return connection
        return None

    def _shared(self, id_: bytes) -> Connection | None:
        if self.one_at_a_time or len(self._all) < _MOST_CONNECTIONS:
            return None
        best, least = None, _MOST_PENDING
        for connection in self._all:
            count = len(connection.pending)
            if count < least and not connection.doubtful and not connection.knows(id_):
                best, least = connection, count
        return best

    def _too_old(self, connection: Connection, now: float) -> bool:
        settings = self.peer.settings
        if settings.max_age and now - connection.opened > settings.max_age:
            return True
        return now - connection.used > settings.expire

    def rest(self, connection: Connection) -> None:
        """It has nothing more to do: keep it for later, or close it."""
        settings = self.peer.settings
        full = 0 < settings.max_idle <= len(self._idle)
        if full or connection.doubtful or self._retired or not settings.expire:
            connection.end("")
        else:
            self._idle[connection] = None
            if self._timer is None:
                self._timer = self.ties.loop.call_later(settings.expire, self._sweep)

    def _sweep(self) -> None:
        """Close what was not used for long; look again when the next one is due, if there is any."""
        self._timer = None
        now, expire = self.ties.clock.monotonic(), self.peer.settings.expire
        for connection in [c for c in self._idle if now - c.used >= expire]:
            connection.end("")
        if self._idle:
            due = min(connection.used for connection in self._idle) + expire - now
            self._timer = self.ties.loop.call_later(max(due, 0.05), self._sweep)

    def gone(self, connection: Connection) -> None:
        """It is closed."""
        del self._all[connection]
        self._idle.pop(connection, None)
        self.ties.budget.left += 1
        if not self._all and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def retire(self) -> None:
        """Keep no connection any longer than it is in use."""
        self._retired = True
        for connection in tuple(self._idle):
            connection.end("")

    def close(self) -> None:
        """Close all connections at once."""
        self.retire()
        for connection in tuple(self._all):
            connection.end("closed here")
