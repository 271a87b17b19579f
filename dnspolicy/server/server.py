"""All listeners of one process: opened together, stopped together."""

from __future__ import annotations

import asyncio
import errno
import socket
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
from dnspolicy.server.stepping import Stepper
from dnspolicy.server.tcp import TcpConnection, TcpLimits
from dnspolicy.server.udp import UdpListener, udp_socket

DRAIN = 5.0
"""Seconds that queries under way are waited for when the server stops."""
MAX_CELLS = 500_000
_BACKLOG = 1024


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
        self._limits = TcpLimits(metrics)
        self.doors = tuple(
            Door(listen.routes, transport, listen.ip, listen.port) for listen in listens for transport in Transport
        )
        self._udp: list[UdpListener] = []
        self._tcp: list[asyncio.Server] = []
        self._ticker: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Bind everything, then listen. Raises ConfigError naming the address that cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            for stream, datagram in self._pairs():
                await self._open(stream, datagram, loop)
        except BaseException:
            self._close()
            raise
        for udp in self._udp:
            udp.start(loop)
        for tcp in self._tcp:
            await tcp.start_serving()
        self._tick()

    def _pairs(self) -> list[tuple[Door, Door]]:
        """The doors for TCP and UDP of each address."""
        streams = [d for d in self.doors if d.transport is Transport.TCP]
        datagrams = [d for d in self.doors if d.transport is Transport.UDP]
        return list(zip(streams, datagrams, strict=True))

    async def _open(self, stream: Door, datagram: Door, loop: asyncio.AbstractEventLoop) -> None:
        ip, port = stream.ip, stream.port
        tcp: socket.socket | None = None
        try:
            tcp = _tcp_socket(ip, port)
            udp = udp_socket(ip, port)
        except OSError as problem:
            if tcp is not None:
                tcp.close()
            raise ConfigError(_why(problem, ip, port)) from None
        self._udp.append(
            UdpListener(
                udp, datagram, front=self._front, repeats=self._repeats, clock=self._clock, metrics=self._metrics
            )
        )
        self._tcp.append(
            await loop.create_server(
                lambda: TcpConnection(stream, self._front, self._limits),
                sock=tcp,
                backlog=_BACKLOG,
                start_serving=False,
            )
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
        self._repeats.tell()
        if sum(len(row) for door in self.doors for row in door.rows.values()) > MAX_CELLS:
            self.reclassify()
        self._ticker = asyncio.get_running_loop().call_later(self._fold, self._tick)


def _tcp_socket(ip: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ":" in ip:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((ip, port))
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


_REASONS = {
    errno.EADDRINUSE: "the port is in use; stop what listens there or choose another port",
    errno.EACCES: "no permission; ports below 1024 need root or CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def _why(problem: OSError, ip: str, port: int) -> str:
    shown = f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
    return f"cannot listen on {shown}: {_REASONS.get(problem.errno or 0, problem.strerror or str(problem))}"
