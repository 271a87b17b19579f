"""All listeners of one process: opened together, stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.answer import Dependencies, Rests
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.query import Transport
from dnspolicy.server.blocks import Routes
from dnspolicy.server.door import Door
from dnspolicy.server.front import Front
from dnspolicy.server.memo import Memo
from dnspolicy.server.repeats import Repeats
from dnspolicy.server.sockets import ANY, BACKLOG, tcp_socket, udp_socket, why
from dnspolicy.server.stepping import Stepper
from dnspolicy.server.tcp import TcpConnection, TcpLimits
from dnspolicy.server.udp import UdpListener

DRAIN = 5.0
"""Seconds that queries under way are waited for when the server stops."""
MAX_CELLS = 200_000


class Listen(msgspec.Struct, frozen=True):
    """An address to listen on, over UDP and TCP, and what answers there."""

    ip: str
    port: int
    routes: Routes


class Server:
    """Opens sockets and closes them; all answering is done by `front`."""

    def __init__(
        self,
        listens: Sequence[Listen],
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
        self._fold = fold
        self._swept = 0
        self._limits = TcpLimits(metrics)
        self.doors = tuple(
            Door(listen.routes, transport, listen.ip, listen.port) for listen in listens for transport in Transport
        )
        self._udp: list[UdpListener] = []
        self._tcp: list[asyncio.Server] = []
        self._ticker: asyncio.TimerHandle | None = None

    async def bind(self) -> None:
        """Take every address, without answering yet. Raises ConfigError naming the one that cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            for door in self._streams():  # first: what else holds the port shows here and not with UDP
                await self._open_tcp(door, loop)
            for door in self.doors:
                if door.transport is Transport.UDP:
                    self._open_udp(door)
        except BaseException:
            self._close()
            raise

    async def start(self) -> None:
        """Answer at the addresses that were taken."""
        loop = asyncio.get_running_loop()
        for udp in self._udp:
            udp.start(loop)
        for tcp in self._tcp:
            await tcp.start_serving()
        self._tick()

    def _streams(self) -> list[Door]:
        """The doors that need a TCP socket: one for all addresses stands for each of its family on that port."""
        doors = [d for d in self.doors if d.transport is Transport.TCP]
        everywhere = {(d.ip, d.port) for d in doors if d.ip in ANY}
        return [d for d in doors if d.ip in ANY or (_any_of(d.ip), d.port) not in everywhere]

    async def _open_tcp(self, door: Door, loop: asyncio.AbstractEventLoop) -> None:
        try:
            sock = tcp_socket(door.ip, door.port)
        except OSError as problem:
            raise ConfigError(why(problem, door.ip, door.port)) from None
        near = {d.ip: d for d in self.doors if d.transport is Transport.TCP and d.port == door.port}
        self._tcp.append(
            await loop.create_server(
                lambda: TcpConnection(lambda ip: near.get(ip, door), self._front, self._limits),
                sock=sock,
                backlog=BACKLOG,
                start_serving=False,
            )
        )

    def _open_udp(self, door: Door) -> None:
        try:
            sock = udp_socket(door.ip, door.port)
        except OSError as problem:
            raise ConfigError(why(problem, door.ip, door.port)) from None
        self._udp.append(
            UdpListener(sock, door, front=self._front, repeats=self._repeats, clock=self._clock, metrics=self._metrics)
        )

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
        for udp in self._udp:
            udp.stop()
        for tcp in self._tcp:
            tcp.close()
        for connection in tuple(self._limits.connections):
            connection.finish()
        await self._stepper.drain(DRAIN)
        self._close()

    def _close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        self._repeats.tell()
        for udp in self._udp:
            udp.close()
        for tcp in self._tcp:
            tcp.close()
        for connection in tuple(self._limits.connections):
            connection.abort()

    def _tick(self) -> None:
        """Tell about repeats, and keep the cells bounded."""
        self._ticker = asyncio.get_running_loop().call_later(self._fold, self._tick)  # first: a fault must not end it
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


def _any_of(ip: str) -> str:
    return ANY[1] if ":" in ip else ANY[0]
