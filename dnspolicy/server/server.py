"""One server process: its sockets, its clients, its clock; answering is done by `front`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.answer import Dependencies, Rests
from dnspolicy.server.door import Door
from dnspolicy.server.front import Front
from dnspolicy.server.listeners import Listen, Listeners
from dnspolicy.server.memo import Memo
from dnspolicy.server.repeats import Repeats
from dnspolicy.server.stepping import Stepper
from dnspolicy.server.tcp import TcpConnection, TcpLimits
from dnspolicy.server.udp import UdpListener

DRAIN = 5.0
"""Seconds that queries under way are waited for when the server stops."""
MAX_CELLS = 200_000


class Server:
    """Opens sockets and closes them; all answering is done by `front`. `fold` seconds of repeats are told at once."""

    def __init__(
        self,
        *,
        front: Front,
        memo: Memo | None,
        repeats: Repeats,
        stepper: Stepper,
        clock: Clock,
        metrics: Metrics,
        fold: float,
    ) -> None:
        self._front = front
        self._memo = memo
        self._repeats = repeats
        self._stepper = stepper
        self._clock = clock
        self._metrics = metrics
        self.fold = fold
        self._swept = 0
        self._limits = TcpLimits(metrics)
        self._listeners = Listeners(self._udp, self._tcp)
        self._ticker: asyncio.TimerHandle | None = None

    @property
    def doors(self) -> tuple[Door, ...]:
        return tuple(self._listeners.doors.values())

    def _udp(self, sock: socket.socket, door: Door) -> UdpListener:
        return UdpListener(
            sock, door, front=self._front, repeats=self._repeats, clock=self._clock, metrics=self._metrics
        )

    def _tcp(self, door_at: Callable[[str], Door]) -> TcpConnection:
        return TcpConnection(door_at, self._front, self._limits)

    def lead(self, listens: Sequence[Listen]) -> None:
        """Make the doors of these addresses without opening them: `front` may be given queries for them."""
        self._listeners.lead(listens)

    def bind(self, listens: Sequence[Listen]) -> None:
        """Take every address that is not held yet, without answering. Raises ConfigError naming what cannot be had."""
        self._listeners.take(listens)

    def unbind(self) -> None:
        """Let go of what `bind` took: it will not be used."""
        self._listeners.release()

    async def open(self) -> None:
        """Make ready what `bind` took, without answering. Raises ConfigError; then `unbind` lets go of it."""
        await self._listeners.open()

    def switch(self) -> None:
        """Answer at the addresses that `open` made ready, from now on with their blocks, and at no others."""
        self._repeats.tell()
        if self._memo is not None:
            self._memo.clear()
        self._listeners.use()
        doors = set(map(id, self.doors))
        for connection in tuple(self._limits.connections):
            if id(connection.door) not in doors:
                connection.finish()
        if self._ticker is None:
            self._tick()

    async def serve(self) -> None:
        """Take connections at new addresses too."""
        await self._listeners.serve()

    async def start(self) -> None:
        """Answer at the addresses that `bind` said. Raises ConfigError."""
        await self.open()
        self.switch()
        await self.serve()

    def changed(self, rests: Dependencies) -> None:
        """Forget what rests on any of these: finished answers, and who has an address."""
        if self._memo is not None:
            self._memo.changed(rests)
        for kind, key in rests:
            if kind is Rests.IP:
                for door in self.doors:
                    door.rows.pop(key, None)
            elif kind is Rests.CLUSTER:  # what is said of addresses nobody holds may have changed
                self.reclassify()

    def reclassify(self) -> None:
        """What rooms and policy read of clients is not what it was: every client is classed anew."""
        for door in self.doors:
            door.rows.clear()

    async def stop(self) -> None:
        """Serve what has arrived, answer what is under way, then close."""
        self._listeners.stop()
        for connection in tuple(self._limits.connections):
            connection.finish()
        await self._stepper.drain(DRAIN)
        self._close()

    def _close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        self._repeats.tell()
        self._listeners.close()
        for connection in tuple(self._limits.connections):
            connection.abort()

    def _tick(self) -> None:
        """Tell about repeats, and keep the cells bounded."""
        self._ticker = asyncio.get_running_loop().call_later(self.fold, self._tick)  # first: a fault must not end it
        self._repeats.tell()
        if self._memo is not None and self._memo.forgotten != self._swept:
            self._swept = self._memo.forgotten
            self._sweep()
        if sum(len(row) for door in self.doors for row in door.rows.values()) > MAX_CELLS:
            self.reclassify()

    def _sweep(self) -> None:
        """Let go of the answers that are over; their repeats are told."""
        for door in self.doors:
            for row in door.rows.values():
                for question in [q for q, cell in row.items() if not cell.entry.expires]:
                    del row[question]
