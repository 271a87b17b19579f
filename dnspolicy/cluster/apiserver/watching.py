"""One watch: its open stream, and what its events say."""

from __future__ import annotations

import asyncio

import aiohttp
import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.cluster.apiserver.failures import ApiFailure, Reason, failure
from dnspolicy.cluster.apiserver.intake import Fold, Replacing
from dnspolicy.cluster.apiserver.lines import Lines
from dnspolicy.cluster.apiserver.options import Timing
from dnspolicy.cluster.apiserver.reading import Reading
from dnspolicy.cluster.apiserver.resources import Event, Resource, event, stub
from dnspolicy.cluster.objects import EndpointSlice
from dnspolicy.cluster.raw import BadObject

MAX_LINE = 8 * 1024 * 1024
"""Bytes of one event. etcd takes no object of more than a few MB."""


class Watch:
    """The open stream of one watch, and how long it may be silent."""

    def __init__(self, content: aiohttp.StreamReader, clock: Clock, deadline: float, timing: Timing) -> None:
        self._content = content
        self._clock = clock
        self._deadline = deadline
        self._timing = timing
        self.lines = Lines(MAX_LINE)
        self.bookmarked = False

    async def chunk(self, initial: bool) -> bytes:
        """The next bytes, empty at the end. Raises ApiFailure after too long a silence."""
        left = self._deadline - self._clock.monotonic()
        if initial:
            left = min(left, self._timing.initial_quiet)
        elif self.bookmarked:
            left = min(left, self._timing.quiet)
        try:
            async with asyncio.timeout(left):
                return await self._content.readany()
        except TimeoutError:
            raise ApiFailure(Reason.TIMEOUT, "the API server has fallen silent") from None


class Batch:
    """Events that came together: into `replacing` until that is complete, from there on into `fold`."""

    def __init__(self, reading: Reading, resource: Resource, replacing: Replacing | None) -> None:
        self._reading = reading
        self._resource = resource
        self._into: Fold | Replacing
        self.fold = Fold()
        self._into = replacing if replacing is not None else self.fold
        self._newest: list[msgspec.Raw] = []
        self.triggered: list[tuple[str, str, str]] = []
        self.complete: bool | None = None
        self.bookmarked = False
        self.usable = False
        self.failure: ApiFailure | None = None

    def take(self, line: bytes) -> bool:
        """Whether the stream is over with this event."""
        try:
            found = event(line)
        except BadObject as problem:
            self._reading.refuse(Reason.BAD_REPLY, f"an event that cannot be read: {problem}")
            return False
        match found.type:
            case "ADDED" | "MODIFIED":
                self._put(found)
            case "DELETED":
                self._drop(found)
            case "BOOKMARK":
                self._bookmark(found)
            case "ERROR":
                self.failure = failure(0, found.object)
                return True
            case other:
                self._reading.refuse(Reason.BAD_REPLY, f"an event of the unknown type {other!r}")
                return False
        self.usable = True
        self._newest.append(found.object)
        return False

    def version(self) -> str:
        """The newest resource version of these events; empty when none can be read."""
        for data in reversed(self._newest):
            about = stub(data)
            if about is not None and about.version:
                return about.version
        return ""

    def _put(self, found: Event) -> None:
        item = self._reading.read(found.object)
        if item is not None:
            self._into.put(item)
            if isinstance(item, EndpointSlice) and self._into is self.fold:
                self._note_trigger(item, found)
        elif isinstance(self._into, Replacing) and (about := stub(found.object)) is not None:
            self._into.keep(self._resource.key(about))

    def _note_trigger(self, item: EndpointSlice, found: Event) -> None:
        about = stub(found.object)
        if about is not None and about.triggered:
            self.triggered.append((item.namespace, item.service, about.triggered))

    def _drop(self, found: Event) -> None:
        about = stub(found.object)
        if about is None:
            self._reading.refuse(Reason.BAD_OBJECT, "a deleted object without a name")
        else:
            self._into.drop(self._resource.key(about))

    def _bookmark(self, found: Event) -> None:
        about = stub(found.object)
        self.bookmarked = True
        if about is not None and about.initial_end and self._into is not self.fold:
            self.complete = True
            self._into = self.fold
