"""Whole lists, read page by page."""

from __future__ import annotations

import asyncio
from collections import deque

import aiohttp
import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.cluster.apiserver.client import Client
from dnspolicy.cluster.apiserver.failures import ApiFailure, Reason
from dnspolicy.cluster.apiserver.intake import Replacing
from dnspolicy.cluster.apiserver.options import TURN, Timing
from dnspolicy.cluster.apiserver.reading import Reading
from dnspolicy.cluster.apiserver.resources import Page, Resource, page, stub
from dnspolicy.cluster.raw import BadObject

PAGE = 500
"""Objects asked for at once."""
MAX_PAGE = 64 * 1024 * 1024
"""Bytes of one page; where they do not suffice, pages of fewer objects are asked for."""
_FEWER = 10


class Lists:
    """Lists of one kind. Memory is needed for one page at a time."""

    def __init__(self, resource: Resource, client: Client, reading: Reading, timing: Timing, clock: Clock) -> None:
        self._resource = resource
        self._client = client
        self._reading = reading
        self._timing = timing
        self._clock = clock
        self._limit = PAGE

    async def read(self, into: Replacing) -> str:
        """Read everything there is. Returns the resource version it had. Raises ApiFailure."""
        token = ""
        while True:
            found = await self._page(token)
            waiting = deque(found.items or ())
            while waiting:
                self._read_some(waiting, into)
                await asyncio.sleep(0)
            token = found.metadata.go_on
            if not token:
                return found.metadata.resource_version

    def _read_some(self, waiting: deque[msgspec.Raw], into: Replacing) -> None:
        """As many objects as one turn allows."""
        until = self._clock.monotonic() + TURN
        while waiting and self._clock.monotonic() < until:
            data = waiting.popleft()
            item = self._reading.read(data)
            if item is not None:
                into.put(item)
            elif (about := stub(data)) is not None:
                into.keep(self._resource.key(about))

    async def _page(self, token: str) -> Page:
        wish = {"limit": str(self._limit)}
        if token:
            wish["continue"] = token
        wish |= self._resource.selection
        async with self._client.get(self._resource.path, wish, self._timing.page) as content:
            try:
                async with asyncio.timeout(self._timing.page):
                    body = await self._body(content)
            except TimeoutError:
                raise ApiFailure(Reason.TIMEOUT, "the API server does not finish a list in time") from None
        try:
            return page(body)
        except BadObject as problem:
            raise ApiFailure(Reason.BAD_REPLY, f"a list that cannot be read: {problem}") from None

    async def _body(self, content: aiohttp.StreamReader) -> bytearray:
        body = bytearray()
        while chunk := await content.readany():
            body += chunk
            if len(body) > MAX_PAGE:
                self._limit = max(1, self._limit // _FEWER)
                raise ApiFailure(Reason.TOO_LARGE, f"a list has a page of more than {MAX_PAGE} bytes")
        return body
