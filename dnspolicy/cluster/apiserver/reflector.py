"""Keeps one kind of objects as the API server has it: list once, watch for ever."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from logging import Logger

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.pauses import Pauses
from dnspolicy.cluster.apiserver.client import Client
from dnspolicy.cluster.apiserver.failures import ApiFailure, Reason
from dnspolicy.cluster.apiserver.intake import Intake, Replacing, Shelf
from dnspolicy.cluster.apiserver.lists import Lists
from dnspolicy.cluster.apiserver.measures import Measures
from dnspolicy.cluster.apiserver.options import TURN, Timing
from dnspolicy.cluster.apiserver.reading import Reading
from dnspolicy.cluster.apiserver.resources import Resource
from dnspolicy.cluster.apiserver.watching import MAX_LINE, Batch, Watch
from dnspolicy.cluster.sharing import Sharing
from dnspolicy.cluster.things import TooMuch
from dnspolicy.model.errors import DnsPolicyError

_NOT_OFFERED = frozenset((400, 404, 405, 406, 415, 422))
_TOO_NEW = 504
_NOT_FOUND = 404
Programmed = Callable[[str, str, str], None]


class Tools(msgspec.Struct, frozen=True, eq=False):
    """What all reflectors of one source share.

    `moved` is called after changes, `heard` whenever the API server has said something, `programmed` with namespace,
    service and time (RFC 3339) of a change that led to a slice.
    """

    client: Client
    index: Shelf
    measures: Measures
    timing: Timing
    clock: Clock
    log: Logger
    share: Sharing
    moved: Callable[[], None]
    heard: Callable[[], None]
    programmed: Programmed


class Moved(DnsPolicyError):
    """A resource that was found is there no more."""


class Reflector:
    """One kind. `complaint` says what is wrong now, empty when nothing is.

    An `optional` kind that is forbidden counts as loaded, and is tried again now and then. A resource that was `found`
    and is there no more ends it with Moved.
    """

    def __init__(self, resource: Resource, tools: Tools, optional: bool) -> None:
        self._resource = resource
        self._tools = tools
        self._optional = optional
        self._reading = Reading(resource, tools.share, tools.measures, tools.log)
        self._lists = Lists(resource, tools.client, self._reading, tools.timing, tools.clock)
        self._intake = Intake(tools.index, resource.kind, tools.moved)
        self._pauses = Pauses(tools.timing.pause_first, tools.timing.pause_most)
        self._version = ""
        self._began = 0.0
        self.complaint = ""

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            self._began = self._tools.clock.monotonic()
            try:
                await self._follow()
                pause = self._ended()
            except ApiFailure as problem:
                if problem.code == _NOT_FOUND and self._resource.found:
                    raise Moved(str(problem)) from None
                pause = self._failed(problem)
            except TooMuch as problem:
                pause = self._failed(ApiFailure(Reason.TOO_LARGE, str(problem)))
                self._version = ""
            except Exception as problem:  # a kind that nobody follows would be served as it is for ever
                self._tools.log.exception("%s: following failed", self._resource.plural)
                pause = self._failed(ApiFailure(Reason.FAULT, f"fault: {problem}"))
                self._version = ""
            await asyncio.sleep(pause)

    async def _follow(self) -> None:
        """One list, if need be, and one watch. Returns when the watch has ended as it should; raises ApiFailure."""
        if self._resource.every:
            await self._load()
            self._well()
            await asyncio.sleep(self._resource.every)
        elif self._version or not await self._streamed():
            if not self._version:
                self._version = await self._load()
            await self._watch(None)

    async def _load(self) -> str:
        replacing = Replacing(self._tools.index, self._resource.kind)
        version = await self._lists.read(replacing)
        await self._replace(replacing)
        return version

    async def _streamed(self) -> bool:
        """Have the list sent as the beginning of a watch; False when it must be asked for in pages."""
        if not self._tools.client.streams:
            return False
        try:
            await self._watch(Replacing(self._tools.index, self._resource.kind))
        except ApiFailure as problem:
            if self._version:
                raise
            silent = not problem.code and problem.reason in (Reason.TIMEOUT, Reason.BAD_REPLY)
            cannot = problem.halfway and problem.reason is Reason.STATUS
            if not (silent or cannot or problem.code in _NOT_OFFERED):
                raise
            self._tools.client.streams = False
            return False
        return True

    async def _watch(self, replacing: Replacing | None) -> None:
        timing, clock = self._tools.timing, self._tools.clock
        seconds = random.uniform(timing.watch_least, timing.watch_most)
        wish = {"watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": str(max(1, round(seconds)))}
        if replacing is None:
            wish["resourceVersion"] = self._version
        else:
            wish |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        wish |= self._resource.selection
        async with self._tools.client.get(self._resource.path, wish, timing.page, watch=True) as content:
            watch = Watch(content, clock, clock.monotonic() + seconds + timing.grace, timing)
            if replacing is None:
                self._well()
            while chunk := await watch.chunk(replacing is not None):
                replacing = await self._take(watch, watch.lines.feed(chunk), replacing)
                self._note_dropped(watch)
        if replacing is not None:
            raise ApiFailure(Reason.BAD_REPLY, "the watch ended before the list was complete")

    def _note_dropped(self, watch: Watch) -> None:
        if watch.lines.dropped:
            self._reading.refuse(Reason.TOO_LARGE, f"an event of more than {MAX_LINE} bytes")
            watch.lines.dropped = 0

    async def _take(self, watch: Watch, lines: Sequence[bytes], replacing: Replacing | None) -> Replacing | None:
        """Events that came together, as far as they are read in one turn, make one change.

        Returns what is still being replaced; raises ApiFailure for an ERROR event.
        """
        waiting = deque(lines)
        while waiting:
            batch = Batch(self._reading, self._resource, replacing)
            until = self._tools.clock.monotonic() + TURN
            while waiting and self._tools.clock.monotonic() < until and not batch.take(waiting.popleft()):
                pass
            if batch.usable:
                self._note_news()
            watch.bookmarked |= batch.bookmarked
            if batch.complete is not None:
                assert replacing is not None
                await self._replace(replacing)
                replacing = None
                self._well()
            await self._intake.apply(batch.fold)
            if replacing is None:
                self._version = batch.version() or self._version
            for trigger in batch.triggered:
                self._tools.programmed(*trigger)
            if batch.failure is not None:
                raise batch.failure
            await asyncio.sleep(0)
        return replacing

    async def _replace(self, replacing: Replacing) -> None:
        await self._intake.apply(replacing, loaded=True)
        self._tools.measures.listed(self._resource.kind)
        self._note_news()

    def _note_news(self) -> None:
        self._tools.measures.news(self._resource.kind)
        self._tools.heard()

    def _well(self) -> None:
        if self.complaint:
            self._tools.log.info("%s: in order again", self._resource.plural)
        self._say("")

    def _say(self, problem: str) -> None:
        self.complaint = f"{self._resource.plural}: {problem}" if problem else ""
        self._tools.index.explain(self._resource.kind, problem)

    def _held(self) -> bool:
        """Whether what has just ended held for a good while."""
        return self._tools.clock.monotonic() - self._began >= self._tools.timing.steady

    def _ended(self) -> float:
        """Seconds to wait after a watch has ended as it should: servers that end each one at once are spared."""
        if not self._held() and not self._resource.every:
            return self._pauses.next()
        self._pauses.reset()
        return 0.0

    def _failed(self, problem: ApiFailure) -> float:
        """Note a failure. Returns the seconds to wait before the next try."""
        self._tools.measures.failed(self._resource.kind, problem.reason)
        if problem.reason is Reason.EXPIRED or problem.code == _TOO_NEW:
            self._version = ""
        if self._held():
            self._pauses.reset()
        if problem.reason is Reason.EXPIRED:
            self._tools.log.info("%s: listed again, because %s", self._resource.plural, problem)
            return 0.0 if self._held() else self._pauses.next()
        said = self.complaint
        self._say(str(problem))
        if self.complaint != said:
            self._tools.log.warning("%s", self.complaint)
        if self._optional and problem.reason is Reason.FORBIDDEN:
            self._tools.index.apply((), (), (self._resource.kind,))
            self._tools.moved()
            return max(self._tools.timing.forbidden, self._pauses.next())
        return self._pauses.next(problem.retry_after)
