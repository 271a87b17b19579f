"""Requests to the API server."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp

from dnspolicy import __version__
from dnspolicy.chain.clock import Clock
from dnspolicy.cluster.apiserver.access import Access, Ticket
from dnspolicy.cluster.apiserver.failures import ApiFailure, Reason, failure
from dnspolicy.cluster.apiserver.limiter import Limiter
from dnspolicy.cluster.apiserver.measures import Measures

MAX_REFUSAL = 65_536
"""Bytes of an error's account that are read."""
CONNECT_SECONDS = 10.0
READ_BUFFER = 262_144
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 15), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))
_UNACKNOWLEDGED_MS = 30_000
_UNAUTHORIZED = 401
_BROKEN = (aiohttp.ClientError, OSError, asyncio.TimeoutError)


class Client:
    """Asks as whom `access` says, not more often than `limiter` allows. To be made on the event loop.

    `streams` says whether the API server is believed to send whole lists as the beginning of a watch.
    """

    def __init__(self, access: Access, limiter: Limiter, measures: Measures, clock: Clock) -> None:
        self._access = access
        self._limiter = limiter
        self._measures = measures
        self._clock = clock
        self._agent = f"dnspolicy/{__version__}"
        self._session: aiohttp.ClientSession | None = None
        self.streams = True

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def get(
        self, path: str, wish: Mapping[str, str], seconds: float, watch: bool = False
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """The body of a good answer, which began within `seconds`. Raises ApiFailure, also while the body is read.

        A watch takes a place among the requests in flight only until it begins.
        """
        async with AsyncExitStack() as held, AsyncExitStack() as place:
            await place.enter_async_context(self._limiter.place())
            try:
                answer = await self._answer(path, wish, seconds)
                held.callback(answer.close)
                if watch:
                    await place.aclose()
                yield answer.content
            except _BROKEN as problem:
                raise _broken(problem) from None

    async def _answer(self, path: str, wish: Mapping[str, str], seconds: float) -> aiohttp.ClientResponse:
        ticket = await self._access.ticket()
        answer = await self._ask(ticket, path, wish, seconds)
        if answer.status == _UNAUTHORIZED:
            answer = await self._anew(answer, ticket, path, wish, seconds)
        if answer.status == 200:
            return answer
        try:
            async with asyncio.timeout(seconds):
                body = await answer.content.read(MAX_REFUSAL)
        finally:
            answer.close()
        raise failure(answer.status, body, answer.headers.get("Retry-After"))

    async def _anew(
        self, answer: aiohttp.ClientResponse, ticket: Ticket, path: str, wish: Mapping[str, str], seconds: float
    ) -> aiohttp.ClientResponse:
        """The answer to another ticket than the one that was refused, if there is one."""
        try:
            if not await self._access.refused(ticket):
                return answer
        except BaseException:
            answer.close()
            raise
        answer.close()
        return await self._ask(await self._access.ticket(), path, wish, seconds)

    async def _ask(self, ticket: Ticket, path: str, wish: Mapping[str, str], seconds: float) -> aiohttp.ClientResponse:
        self._measures.throttled(ticket.netloc, await self._limiter.admit())
        began, code = self._clock.monotonic(), "<error>"
        extra: dict[str, Any] = {"ssl": ticket.tls} if ticket.tls is not None else {}
        if ticket.server_name:
            extra["server_hostname"] = ticket.server_name
        try:
            async with asyncio.timeout(seconds):
                answer = await self._open().get(
                    ticket.host + path, params=wish, headers=ticket.headers, allow_redirects=False, **extra
                )
            code = str(answer.status)
            return answer
        finally:
            self._measures.requested(ticket.netloc, code, self._clock.monotonic() - began)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(socket_factory=_socket, limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": self._agent},
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=READ_BUFFER,
                auto_decompress=False,  # nothing that was not asked for: it could become any size
            )
        return self._session


def _socket(address: Any) -> socket.socket:
    """One that notices when nobody is at the other end any more."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
    return made


def _broken(problem: Exception) -> ApiFailure:
    if isinstance(problem, aiohttp.ConnectionTimeoutError):
        return ApiFailure(Reason.UNREACHABLE, "unreachable: nobody takes the connection")
    if isinstance(problem, TimeoutError):
        return ApiFailure(Reason.TIMEOUT, "the API server does not answer in time")
    text = str(problem) or type(problem).__name__
    if isinstance(problem, aiohttp.ClientConnectorError):
        error = problem.os_error
        plain = not isinstance(error, ssl.SSLError)  # the loop puts words of its own into plain errors
        text = f"{problem.host}:{problem.port}: {os.strerror(error.errno) if plain and error.errno else error}"
    return ApiFailure(Reason.UNREACHABLE, f"unreachable: {text}")
