"""One document that changes by itself: what it is now, how old that is, and what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from logging import Logger

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.feeds.document import Document, Source
from dnspolicy.feeds.failures import FAULT_PAUSE, FeedFailure, Reason
from dnspolicy.feeds.measures import Measures
from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.policy.engine import DataPath


class FeedOf(msgspec.Struct, frozen=True, kw_only=True):
    """What a feed is. `shown` is where it comes from, for people; `max_age` in seconds."""

    path: DataPath
    source: Source
    shown: str
    max_age: float | None = None
    required: bool = False

    @property
    def called(self) -> str:
        return ".".join(self.path)


class Feed:
    """Is told by its source. `moved` is called when there is something else to show, or something to say for the first
    time. `said`: the source has told something.
    """

    def __init__(self, of: FeedOf, clock: Clock, measures: Measures, log: Logger, moved: Callable[[], None]) -> None:
        self.of = of
        self.said = False
        self.problem = ""
        self._clock = clock
        self._measures = measures
        self._log = log
        self._moved = moved
        self._last: Document | None = None
        self._noted = (0.0, 0.0)
        self._stale = False

    @property
    def current(self) -> Document | None:
        """What policies are to see: not what is too old."""
        return None if self._stale else self._last

    @property
    def age(self) -> float | None:
        """Seconds since the last document was known to be true."""
        if self._last is None:
            return None
        since, age = self._noted
        return max(self._clock.wall() - self._last.at, age + self._clock.monotonic() - since)

    def left(self) -> float | None:
        """Seconds until it is too old; None when it will not be."""
        if self.of.max_age is None or self.age is None or self._stale:
            return None
        return max(0.0, self.of.max_age - self.age)

    async def run(self) -> None:
        """Follow the source until cancelled."""
        while True:
            try:
                await self.of.source.run(self)
            except Exception as problem:  # noqa: BLE001 a feed that died silently would show the same for ever
                self._log.exception("data %s: following %s failed", self.of.called, self.of.shown)
                self.failed(FeedFailure(Reason.FAULT, f"fault: {problem}"))
            await asyncio.sleep(FAULT_PAUSE)

    def document(self, document: Document) -> None:
        same = self._last is not None and self._last.encoded == document.encoded
        self._keep(document, document.at)
        self._well()
        self._look(changed=not same)

    def gone(self, problem: DnsPolicyError) -> None:
        changed, self._last = self._last is not None, None
        self._stale = False
        self.failed(problem)
        if changed:
            self._moved()

    def confirmed(self, at: float) -> None:
        if self._last is not None:
            self._keep(self._last, at)
            self._well()
            self._look(changed=False)

    def _keep(self, document: Document, at: float) -> None:
        """A time to come would never be too old, nor would one be if the clock is set back: the age is noted too."""
        now = self._clock.wall()
        self._last = msgspec.structs.replace(document, at=min(at, now))
        self._noted = (self._clock.monotonic(), now - self._last.at)

    def failed(self, problem: DnsPolicyError) -> None:
        reason = problem.reason if isinstance(problem, FeedFailure) else Reason.BAD_DOCUMENT
        self._measures.failed(self.of.called, reason)
        if str(problem) != self.problem:
            self.problem = str(problem)
            held = "the last one counts on" if self.current is not None else "there is none"
            self._log.warning("data %s from %s: %s; %s", self.of.called, self.of.shown, problem, held)
        self._say()

    def check_age(self) -> None:
        """Note when it has become too old."""
        self._measures.aged(self.of.called, self.age)
        self._look(changed=False)

    def _look(self, changed: bool) -> None:
        age, most = self.age, self.of.max_age
        stale = age is not None and most is not None and age >= most
        if stale and not self._stale:
            self._measures.failed(self.of.called, Reason.STALE)
            self._log.warning("data %s is %d s old and is taken away", self.of.called, age)
        elif self._stale and not stale:
            self._log.info("data %s is fresh again", self.of.called)
        shows = stale != self._stale or (changed and not stale)
        self._stale = stale
        self._say()
        if shows:
            self._moved()

    def _well(self) -> None:
        if self.problem:
            self._log.info("data %s from %s: in order again", self.of.called, self.of.shown)
        self.problem = ""

    def _say(self) -> None:
        if not self.said:
            self.said = True
            self._moved()
