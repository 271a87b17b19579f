"""All documents of one policy: followed, and handed over together when they move."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from logging import Logger

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.feeds.document import Document
from dnspolicy.feeds.failures import FAULT_PAUSE, bad_document
from dnspolicy.feeds.feed import Feed, FeedOf
from dnspolicy.feeds.measures import Measures
from dnspolicy.model.errors import PolicyLoadError
from dnspolicy.policy.engine import DataPath

GAP = 0.5
"""Seconds between two changes of the data, since each makes a new revision of the policy."""
LOOK_SECONDS = 1.0
"""How often ages are looked at, at least."""
AGAIN_SECONDS = 60.0
"""After so long a document that was refused is put once more: what refused it may be another by now."""
Put = Callable[[Mapping[DataPath, bytes | None]], Awaitable[None]]
"""Puts documents (JSON) where policies see them, None for none. All or nothing: raises PolicyLoadError."""


class Feeds:
    """Follows documents from `begin` to `stop`, and puts them. To be used on the event loop."""

    def __init__(self, feeds: Sequence[FeedOf], put: Put, clock: Clock, metrics: Metrics, log: Logger) -> None:
        self._log = log
        self._measures = Measures(metrics)
        self._metrics = metrics
        self._moved = asyncio.Event()
        self._all_said = asyncio.Event()
        self._feeds = [Feed(of, clock, self._measures, log, self._note_moved) for of in feeds]
        self._put = put
        self._shown: dict[DataPath, bytes] = {}
        self._revisions: dict[DataPath, str] = {}
        self._refused: dict[DataPath, tuple[bytes, float]] = {}
        self._now = clock.monotonic
        self._lock = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._end_refresh: Callable[[], None] | None = None
        self._changed: Callable[[], None] | None = None

    async def begin(self) -> None:
        """Follow from now on. Once begun, it does nothing."""
        if self._tasks:
            return
        self._end_refresh = self._metrics.before_collect(self._refresh)
        for feed in self._feeds:
            self._tasks.append(asyncio.create_task(feed.run(), name=f"data {feed.of.called}"))
        self._tasks.append(asyncio.create_task(self._publish(), name="data"))

    async def settle(self, seconds: float) -> None:
        """Begin, and wait until every source has told something and that is put, but no longer than this."""
        await self.begin()
        try:
            async with asyncio.timeout(seconds):
                await self._all_said.wait()
        except TimeoutError:
            self._log.warning("not waiting longer for data: %s", ", ".join(self._unsaid()))
        await self._show()

    async def confirm(self) -> None:
        """Put once more what was put: what takes documents could not tell until now whether it takes these."""
        async with self._lock:
            shown = dict(self._shown)
            try:
                await self._put(shown)
            except PolicyLoadError:
                for feed in self._feeds:
                    path = feed.of.path
                    if path in shown and not await self._put_one(feed, shown[path]):
                        del self._shown[path]

    def announce(self, changed: Callable[[], None]) -> None:
        """Call this after each change from now on."""
        self._changed = changed

    async def stop(self) -> None:
        """Follow no more. What was put stays."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._end_refresh is not None:
            self._end_refresh()
            self._end_refresh = None
        for feed in self._feeds:
            self._measures.end(feed.of.called)

    def announcement(self) -> str:
        """Where the documents come from and what they are now, for people."""
        return ", ".join(
            f"{feed.of.called} from {feed.of.shown}"
            f" ({f'revision {now.revision}' if (now := feed.current) is not None else 'not there yet'})"
            for feed in self._feeds
        )

    def lacking(self) -> str | None:
        """Which required documents are not there, in a few words; None when policies see them all.

        One that is about to be taken away is not there any more.
        """
        required = [feed for feed in self._feeds if feed.of.required]
        absent = [feed.of.called for feed in required if feed.of.path not in self._shown or feed.current is None]
        return f"data {', '.join(absent)} is not there" if absent else None

    def not_ready(self) -> str | None:
        """What a start is waiting for: required documents, and the first word of each source."""
        unsaid = self._unsaid()
        return self.lacking() or (f"data {', '.join(unsaid)} is being loaded" if unsaid else None)

    def _note_moved(self) -> None:
        self._moved.set()
        if not self._unsaid():
            self._all_said.set()

    def _unsaid(self) -> list[str]:
        return [feed.of.called for feed in self._feeds if not feed.said]

    def _check_ages(self) -> None:
        for feed in self._feeds:
            feed.check_age()

    def _refresh(self) -> None:
        """Tell the metrics all of it."""
        self._check_ages()
        for feed in self._feeds:
            held = self._shown.get(feed.of.path)
            size = None if held is None else len(held)
            self._measures.shows(feed.of.called, size, self._revisions.get(feed.of.path, ""))

    async def _publish(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._until_stale()):
                    await self._moved.wait()
            except TimeoutError:
                self._check_ages()
                if not self._retry():
                    continue
            try:
                await self._show()
            except Exception:  # noqa: BLE001 without this task nothing would ever change again
                self._log.exception("documents could not be put in force")
                self._moved.set()
                await asyncio.sleep(FAULT_PAUSE)
            await asyncio.sleep(GAP)

    def _retry(self) -> bool:
        """Forget what was refused long ago; whether there was any."""
        late = self._now() - AGAIN_SECONDS
        old = [path for path, (_, since) in self._refused.items() if since <= late]
        for path in old:
            del self._refused[path]
        return bool(old)

    def _until_stale(self) -> float:
        return min([LOOK_SECONDS, *(left for feed in self._feeds if (left := feed.left()) is not None)])

    async def _show(self) -> None:
        """Put what has moved; when some of it is refused, the rest all the same."""
        async with self._lock:
            self._moved.clear()
            moving = {feed.of.path: feed for feed in self._feeds if self._wanted(feed) != self._seen(feed)}
            if not moving:
                return
            wanted = {path: feed.current for path, feed in moving.items()}
            documents = {path: None if found is None else found.encoded for path, found in wanted.items()}
            try:
                await self._put(documents)
                good = list(moving.values())
            except PolicyLoadError:
                good = [feed for path, feed in moving.items() if await self._put_one(feed, documents[path])]
            for feed in good:
                self._note(feed, wanted[feed.of.path])
        if good and self._changed is not None:
            self._changed()

    async def _put_one(self, feed: Feed, wanted: bytes | None) -> bool:
        path = feed.of.path
        try:
            await self._put({path: wanted})
        except PolicyLoadError as problem:
            if wanted is not None:
                self._refused[path] = wanted, self._now()
            feed.failed(bad_document(f"the policy cannot take it: {problem}"))
            return False
        return True

    def _note(self, feed: Feed, document: Document | None) -> None:
        """What was put, which may no longer be what the feed has."""
        called, path = feed.of.called, feed.of.path
        self._refused.pop(path, None)
        self._measures.changed(called)
        self._revisions[path] = "" if document is None else document.revision
        if document is None:
            self._shown.pop(path, None)
            self._log.info("data %s is not there any more", called)
            return
        self._shown[path] = document.encoded
        size, age = len(document.encoded), feed.age or 0
        self._log.info("data %s: revision %s, %d bytes, %d s old", called, document.revision, size, age)

    def _wanted(self, feed: Feed) -> bytes | None:
        return None if feed.current is None else feed.current.encoded

    def _seen(self, feed: Feed) -> bytes | None:
        """What policies see, or what was refused: it is not tried again."""
        path = feed.of.path
        wanted = self._wanted(feed)
        refused = self._refused.get(path)
        return wanted if refused is not None and refused[0] == wanted else self._shown.get(path)
