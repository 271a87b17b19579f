"""The bytes of one answer: whole, in pieces, or broken off."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from dnspolicy.testing.apiserver.resources import Manifest

COMPRESSED_FROM = 128 * 1024
"""Bytes from which on a list is compressed for clients that accept it."""


class Stream:
    """An answer with status 200. `piece` is the size of its chunks in bytes; 0 sends what belongs together at once."""

    def __init__(self, request: web.Request, piece: int) -> None:
        self._request = request
        self._piece = piece
        self.response = web.StreamResponse(
            headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
        )

    async def begin(self, length: int = 0) -> None:
        """Send the head. `length`: how many bytes will follow, as far as is known."""
        if length >= COMPRESSED_FROM and "gzip" in self._request.headers.get("Accept-Encoding", ""):
            self.response.enable_compression(web.ContentCoding.gzip)
        await self.response.prepare(self._request)

    async def send(self, data: bytes) -> None:
        if not self._piece:
            await self.response.write(data)
            return
        for start in range(0, len(data), self._piece):
            await self.response.write(data[start : start + self._piece])
            await asyncio.sleep(0)

    async def event(self, kind: str, item: Manifest) -> None:
        await self.send(msgspec.json.encode({"type": kind, "object": item}) + b"\n")

    def close(self, *, reset: bool = False) -> None:
        """End the connection without ending the answer."""
        transport = self._request.transport
        if transport is not None:
            if reset:
                transport.abort()
            else:
                transport.close()


async def silence() -> None:
    """For ever."""
    await asyncio.get_running_loop().create_future()
