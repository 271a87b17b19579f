"""A web server that does as it is told, and who is told what a feed does."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from dnspolicy.chain.clock import Clock, SystemClock
from dnspolicy.feeds.document import Document
from dnspolicy.feeds.fetch import Fetched, Fetcher, Origin
from dnspolicy.model.errors import DnsPolicyError

LOG = logging.getLogger("tests.feeds")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
PATIENCE = 20.0


class Server:
    """`answer` is asked for every request; all of them are kept."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[web.Request] = []
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return await self.answer(request)


@asynccontextmanager
async def serving(answer: Answer, *, ip: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> Any:
    server = Server(answer)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.serve)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, ip, port, ssl_context=tls, reuse_address=True).start()
    server.url = f"{'https' if tls else 'http'}://{ip}:{runner.addresses[0][1]}/list"
    try:
        yield server
    finally:
        await runner.cleanup()


class Sink:
    """Takes what `judge` does not refuse, and remembers all that it was told."""

    def __init__(self, judge: Callable[[bytes], None] = lambda body: None) -> None:
        self.taken: list[Fetched] = []
        self.confirmations: list[float] = []
        self.problems: list[DnsPolicyError] = []
        self._judge = judge

    async def take(self, fetched: Fetched) -> None:
        self._judge(fetched.body)
        self.taken.append(fetched)

    def confirmed(self, at: float) -> None:
        self.confirmations.append(at)

    def failed(self, problem: DnsPolicyError) -> None:
        self.problems.append(problem)

    @property
    def bodies(self) -> list[bytes]:
        return [fetched.body for fetched in self.taken]


@asynccontextmanager
async def fetching(origin: Origin, clock: Clock | None = None) -> Any:
    fetcher = Fetcher(origin, clock or SystemClock(), LOG)
    try:
        yield fetcher
    finally:
        await fetcher.close()
        await asyncio.sleep(0.05)  # TLS says goodbye after a connection was closed


class Told:
    """Remembers what a source says."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.absent: list[DnsPolicyError] = []
        self.confirmations: list[float] = []
        self.problems: list[DnsPolicyError] = []
        self._heard = asyncio.Event()

    def document(self, document: Document) -> None:
        self.documents.append(document)
        self._heard.set()

    def gone(self, problem: DnsPolicyError) -> None:
        self.absent.append(problem)
        self._heard.set()

    def confirmed(self, at: float) -> None:
        self.confirmations.append(at)
        self._heard.set()

    def failed(self, problem: DnsPolicyError) -> None:
        self.problems.append(problem)
        self._heard.set()

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._heard.clear()
                await self._heard.wait()
