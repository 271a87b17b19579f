"""A web server of bundles, with the faults that real ones have."""

from __future__ import annotations

import asyncio
import hashlib
from enum import StrEnum

from aiohttp import web

BUNDLES = "application/vnd.openpolicyagent.bundles"


class Fault(StrEnum):
    """What goes wrong with every request."""

    NONE = "none"
    STATUS = "status"
    HALF = "half"
    SLOW = "slow"


class BundleServer:
    """Serves one bundle at `url`, with an ETag. `holds`: requests with `Prefer: wait` are held until it changes.

    `asked` are the ETags that clients had; `answered` the statuses they got.
    """

    def __init__(self, holds: bool = False) -> None:
        self.body = b""
        self.fault = Fault.NONE
        self.asked: list[str] = []
        self.answered: list[int] = []
        self.tokens: set[str] = set()
        self.url = ""
        self._holds = holds
        self._moved = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def start(self) -> None:
        """Listen; on the same port as before, if there was one."""
        app = web.Application()
        app.router.add_get("/bundle.tar.gz", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}/bundle.tar.gz"

    async def stop(self) -> None:
        """Close everything; `start` may follow."""
        runner, self._runner = self._runner, None
        self._moved.set()
        if runner is not None:
            await runner.cleanup()

    def serve(self, body: bytes, fault: Fault = Fault.NONE) -> None:
        """Another bundle from now on."""
        self.body, self.fault = body, fault
        self._moved.set()
        self._moved = asyncio.Event()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.headers.get("If-None-Match", ""))
        self.tokens.add(request.headers.get("Authorization", ""))
        answer = await self._made(request)
        self.answered.append(answer.status)
        return answer

    async def _made(self, request: web.Request) -> web.StreamResponse:
        if self.fault is Fault.STATUS or not self.body:
            return web.Response(status=503)
        if self.fault is Fault.SLOW:
            await self._moved.wait()
        if self._holds and self._etag() == request.headers.get("If-None-Match"):
            await self._moved.wait()
        headers = {"ETag": self._etag()}
        if self._holds:
            headers["Content-Type"] = BUNDLES
        if self.fault is Fault.HALF:
            answer = web.StreamResponse(headers={**headers, "Content-Length": str(len(self.body))})
            await answer.prepare(request)
            await answer.write(self.body[: len(self.body) // 2])
            assert request.transport is not None
            request.transport.abort()
            return answer
        if self._etag() == request.headers.get("If-None-Match"):
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.body, headers=headers)

    def _etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'
