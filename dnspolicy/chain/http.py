"""Small HTTP listeners that rooms share: several paths, of several rooms, behind one address."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from dnspolicy.model.errors import ConfigError

DEADLINE = 10.0
"""Seconds from accepting a connection to its end. One connection carries one request."""
MAX_CONNECTIONS = 256
"""Per listener; a connection beyond is closed at once."""

_WHY = {
    errno.EADDRINUSE: "the port is in use; stop who uses it or choose another",
    errno.EACCES: "no permission for this port; ports below 1024 need CAP_NET_BIND_SERVICE",
    errno.EPERM: "no permission for this port; ports below 1024 need CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


class Address(msgspec.Struct, frozen=True):
    """Where to listen. An empty `host` means every address of the machine; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Page(msgspec.Struct, frozen=True):
    """What a path answers with."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Serve = Callable[[str], Awaitable[Page]]
"""Makes the page of a path; is given the request's Accept header, untrusted."""


class Route:
    """One path that is being served. `port` is the port that was bound, also when 0 was asked for."""

    __slots__ = ("address", "path", "port", "serve")

    def __init__(self, address: Address, path: str, port: int, serve: Serve) -> None:
        self.address = address
        self.path = path
        self.port = port
        self.serve = serve


def parse_address(text: str) -> Address:
    """Read `HOST:PORT`, `:PORT` or `[IPV6]:PORT`; HOST is an IP address or `localhost`. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{text!r} is not an address; write HOST:PORT or :PORT")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r}: write an IPv6 address in brackets, as [::1]:{port}")
    if host not in ("", "localhost"):
        try:
            host = str(ip_address(host))
        except ValueError:
            raise ValueError(f"{text!r}: {host!r} is neither an IP address nor localhost") from None
    return Address(host, int(port))


class HttpListeners:
    """All HTTP listeners of one server process.

    A listener opens with its first route and closes with its last. If two routes have one address and path, as while a
    configuration is being replaced, the newer one answers.
    """

    def __init__(self, *, deadline: float = DEADLINE, max_connections: int = MAX_CONNECTIONS) -> None:
        self._deadline = deadline
        self._max_connections = max_connections
        self._open: dict[Address, _Listener] = {}
        self._lock = asyncio.Lock()

    async def open(self, address: Address, path: str, serve: Serve, *, owner: str) -> Route:
        """Serve `path` at `address`. `owner` is named in errors. Raises ConfigError when it cannot listen there."""
        async with self._lock:
            listener = self._open.get(address)
            if listener is None:
                listener = _Listener(self._deadline, self._max_connections)
                await listener.start(address, owner)
                self._open[address] = listener
            route = Route(address, path, listener.port, serve)
            listener.routes.append(route)
            return route

    async def close(self, route: Route) -> None:
        """Stop serving a route. Closing it again does nothing."""
        async with self._lock:
            listener = self._open.get(route.address)
            if listener is None or route not in listener.routes:
                return
            listener.routes.remove(route)
            if not listener.routes:
                del self._open[route.address]
                await listener.stop()


class _Listener:
    def __init__(self, deadline: float, max_connections: int) -> None:
        self.routes: list[Route] = []
        self.port = 0
        self._deadline = deadline
        self._max_connections = max_connections
        self._runner: web.ServerRunner | None = None

    async def start(self, address: Address, owner: str) -> None:
        sock = _listen(address, owner)
        self.port = sock.getsockname()[1]
        server = _Server(self._answer, deadline=self._deadline, max_connections=self._max_connections)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        try:
            await self._runner.setup()
            await web.SockSite(self._runner, sock).start()
        except BaseException:
            sock.close()
            raise

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        route = next((r for r in reversed(self.routes) if r.path == request.path), None)
        if route is None:
            page = Page(404, b"not found\n")
        elif request.method not in ("GET", "HEAD"):
            page = Page(405, b"only GET is answered here\n")
        else:
            page = await route.serve(request.headers.get("Accept", ""))
        headers = {"Content-Type": page.content_type, "Server": "dnspolicy"}
        response = web.Response(status=page.status, body=page.body, headers=headers)
        response.force_close()
        return response


class _Server(web.Server):
    """Ends what takes too long or comes in too great numbers, so that a stranger cannot hold descriptors."""

    def __init__(self, handler: Any, *, deadline: float, max_connections: int) -> None:
        super().__init__(handler, access_log=None, logger=_logger())
        self._deadline = deadline
        self._max_connections = max_connections
        self._timers: dict[object, asyncio.TimerHandle] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        full = len(self._timers) >= self._max_connections
        self._timers[handler] = self._loop.call_later(0 if full else self._deadline, transport.abort)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        timer = self._timers.pop(handler, None)
        if timer is not None:
            timer.cancel()
        super().connection_lost(handler, exc)


def _logger() -> logging.Logger:
    """A logger for faults of pages only: a stranger's malformed requests must not fill the log."""
    logger = logging.getLogger("dnspolicy.http")
    logger.addFilter(_ours)
    return logger


def _ours(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _listen(address: Address, owner: str) -> socket.socket:
    try:
        if address.host:
            family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
            return socket.create_server((address.host, address.port), family=family)
        return _listen_everywhere(address.port)
    except OSError as problem:
        why = _WHY.get(problem.errno or 0, problem.strerror or "cannot listen")
        raise ConfigError(f"{owner}: cannot listen on {address}: {why}") from None


def _listen_everywhere(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        except OSError as problem:
            # IPv6 compiled in but switched off: IPv4 alone is everywhere.
            if problem.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
    return socket.create_server(("", port))


async def probe(port: int, path: str, *, host: str = "127.0.0.1", limit: float = 3.0) -> int:
    """Ask an own listener for a path; give the status code. Raises OSError or TimeoutError after `limit` seconds."""
    async with asyncio.timeout(limit):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            line = await reader.readline()
        finally:
            writer.close()
    words = line.split()
    if len(words) < 2 or not words[1].isdigit():
        raise OSError("no HTTP reply")
    return int(words[1])
