"""The sockets of a server: taken beforehand, put to use together, kept while a new configuration still wants them."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence

import msgspec

from dnspolicy.model.errors import ConfigError
from dnspolicy.model.query import Transport
from dnspolicy.server.blocks import Routes
from dnspolicy.server.door import Door
from dnspolicy.server.sockets import ANY, BACKLOG, tcp_socket, udp_socket, why
from dnspolicy.server.tcp import TcpConnection
from dnspolicy.server.udp import UdpListener

LINGER = 5.0
"""Seconds that a socket nobody wants any more stays open, for the replies to what it received."""
Key = tuple[str, int]
"""Address and port."""


class Listen(msgspec.Struct, frozen=True):
    """An address to listen on, over UDP and TCP, and what answers there."""

    ip: str
    port: int
    routes: Routes

    @property
    def key(self) -> Key:
        return self.ip, self.port


class _Taken(msgspec.Struct, eq=False):
    """What is bound for a configuration that is not in force yet."""

    listens: tuple[Listen, ...]
    udp: dict[Key, socket.socket]
    tcp: dict[Key, socket.socket]
    servers: dict[Key, asyncio.Server]


class Listeners:
    """`open_udp` makes a listener of a bound socket and its door, `open_tcp` a connection for the doors of a port."""

    def __init__(
        self,
        open_udp: Callable[[socket.socket, Door], UdpListener],
        open_tcp: Callable[[Callable[[str], Door]], TcpConnection],
    ) -> None:
        self.doors: dict[tuple[Transport, Key], Door] = {}
        self._open_udp = open_udp
        self._open_tcp = open_tcp
        self._udp: dict[Key, UdpListener] = {}
        self._tcp: dict[Key, asyncio.Server] = {}
        self._leaving: list[UdpListener] = []
        self._taken: _Taken | None = None

    def take(self, listens: Sequence[Listen]) -> None:
        """Bind what `listens` need and is not open, without answering yet. Raises ConfigError, with nothing taken."""
        self.release()
        taken = self._taken = _Taken(tuple(listens), {}, {}, {})
        try:
            for key in _streams(taken.listens):  # first: what else holds the port shows here and not with UDP
                if key not in self._tcp:
                    taken.tcp[key] = self._bind(key, self._tcp_socket)
            for listen in taken.listens:
                if listen.key not in self._udp and listen.key not in taken.udp:
                    taken.udp[listen.key] = self._bind(listen.key, udp_socket)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let go of what was taken and not put to use."""
        taken, self._taken = self._taken, None
        if taken is not None:
            for server in taken.servers.values():
                server.close()
            for sock in (*taken.udp.values(), *taken.tcp.values()):
                sock.close()

    async def open(self) -> None:
        """Make servers of the streams that were taken, which take no connections yet. Raises ConfigError."""
        assert self._taken is not None
        taken = self._taken
        for key, sock in taken.tcp.items():
            try:
                taken.servers[key] = await asyncio.get_running_loop().create_server(
                    lambda key=key: self._open_tcp(lambda ip, key=key: self._stream_door(ip, key)),  # type: ignore[misc]
                    sock=sock, backlog=BACKLOG, start_serving=False,
                )  # fmt: skip
            except OSError as problem:
                raise ConfigError(why(problem, *key)) from None

    def use(self) -> None:
        """Answer where `take` said, and nowhere else. Streams that are new take connections once `serve` was called."""
        assert self._taken is not None
        taken, self._taken = self._taken, None
        loop = asyncio.get_running_loop()
        self.lead(taken.listens)
        for key, sock in taken.udp.items():
            self._udp[key] = self._open_udp(sock, self.doors[Transport.UDP, key])
        for listen in taken.listens:
            self._udp[listen.key].start(loop)
        self._tcp |= taken.servers
        self._leave(taken.listens)

    async def serve(self) -> None:
        """Take connections wherever streams are open."""
        for server in tuple(self._tcp.values()):
            await server.start_serving()

    def lead(self, listens: Sequence[Listen]) -> None:
        """Doors for all addresses, needed or not: those that are there lead to the new blocks."""
        for listen in listens:
            for transport in Transport:
                door = self.doors.get((transport, listen.key))
                if door is None:
                    self.doors[transport, listen.key] = Door(listen.routes, transport, listen.ip, listen.port)
                else:
                    door.lead_to(listen.routes)

    def _stream_door(self, ip: str, key: Key) -> Door:
        """The door of the address a connection came to: its own, or that of the wildcard it came through."""
        return self.doors.get((Transport.TCP, (ip, key[1]))) or self.doors[Transport.TCP, key]

    def _leave(self, listens: Sequence[Listen]) -> None:
        """Close what is wanted no more; replies under way still leave."""
        wanted, streams = {x.key for x in listens}, set(_streams(listens))
        for key in [k for k in self._tcp if k not in streams]:
            self._tcp.pop(key).close()
        for key in [k for k in self._udp if k not in wanted]:
            udp = self._udp.pop(key)
            udp.retire()
            self._leaving.append(udp)
            asyncio.get_running_loop().call_later(LINGER, self._forget, udp)
        for place in [p for p in self.doors if p[1] not in wanted]:
            del self.doors[place]

    def _forget(self, udp: UdpListener) -> None:
        udp.close()
        self._leaving.remove(udp)

    def stop(self) -> None:
        """Serve what has arrived, and take nothing more."""
        self.release()
        for udp in self._udp.values():
            udp.stop()
        for tcp in self._tcp.values():
            tcp.close()

    def close(self) -> None:
        self.release()
        for udp in (*self._udp.values(), *self._leaving):
            udp.close()
        for tcp in self._tcp.values():
            tcp.close()

    def _tcp_socket(self, ip: str, port: int) -> socket.socket:
        try:
            return tcp_socket(ip, port)
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE or not any(held == port for _, held in self._tcp):
                raise
            return tcp_socket(ip, port, beside=True)

    @staticmethod
    def _bind(key: Key, make: Callable[[str, int], socket.socket]) -> socket.socket:
        try:
            return make(*key)
        except OSError as problem:
            raise ConfigError(why(problem, *key)) from None


def _streams(listens: Sequence[Listen]) -> tuple[Key, ...]:
    """The addresses that need a TCP socket: one for all addresses stands for each of its family on that port."""
    everywhere = {x.key for x in listens if x.ip in ANY}
    return tuple(dict.fromkeys(x.key for x in listens if x.ip in ANY or (_any_of(x.ip), x.port) not in everywhere))


def _any_of(ip: str) -> str:
    return ANY[1] if ":" in ip else ANY[0]
