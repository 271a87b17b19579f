"""A document behind a URL."""

from __future__ import annotations

import asyncio
from logging import Logger

from dnspolicy.chain.clock import Clock
from dnspolicy.feeds.document import Document, Told
from dnspolicy.feeds.fetch import Fetched, Fetcher, Origin
from dnspolicy.feeds.file import Parse
from dnspolicy.model.errors import DnsPolicyError


class WebSource:
    """Follows an origin; what cannot be parsed counts as not there."""

    def __init__(self, origin: Origin, parse: Parse, clock: Clock, log: Logger) -> None:
        self._origin = origin
        self._parse = parse
        self._clock = clock
        self._log = log

    async def run(self, told: Told) -> None:
        await Fetcher(self._origin, self._clock, self._log).follow(_Sink(told, self._parse))


class _Sink:
    def __init__(self, told: Told, parse: Parse) -> None:
        self._told = told
        self._parse = parse

    async def take(self, fetched: Fetched) -> None:
        encoded, revision = await asyncio.to_thread(self._parse, fetched.body)
        self._told.document(Document(encoded, revision, fetched.at))

    def confirmed(self, at: float) -> None:
        self._told.confirmed(at)

    def failed(self, problem: DnsPolicyError) -> None:
        self._told.failed(problem)
