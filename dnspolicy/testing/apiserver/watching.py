"""One open watch."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from dnspolicy.testing.apiserver.faults import Fault, Trick
from dnspolicy.testing.apiserver.refusal import Refusal
from dnspolicy.testing.apiserver.resources import Manifest, Resource
from dnspolicy.testing.apiserver.selectors import Test
from dnspolicy.testing.apiserver.store import Change, Store, Subscription
from dnspolicy.testing.apiserver.stream import Stream, silence

_LAST = (Trick.END, Trick.EXPIRED, Trick.FAILED, Trick.CUT, Trick.RESET)
_NOISE = {
    Trick.MALFORMED: b'{"type":"ADDED","object":{"metadata":\n',
    Trick.UNREADABLE: b'{"type":"MODIFIED","object":{"metadata":{"name":["not","a","name"]}}}\n',
    Trick.STRANGE: b'{"type":"RENAMED","object":{"metadata":{"name":"x","namespace":"y","resourceVersion":"1"}}}\n',
}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a watch asks for. `since`: None begins with all objects. `seconds`: how long, 0 for ever.

    `every`: seconds between bookmarks, 0 for none. `ends_initial`: whether a bookmark ends the initial events.
    """

    resource: Resource
    meant: Test
    since: int | None
    seconds: float = 0.0
    bookmarks: bool = False
    every: float = 0.0
    ends_initial: bool = False


class Watch:
    """Made with `open`; `run` goes on until the watch ends."""

    def __init__(self, wish: Wish, store: Store, fault: Fault | None) -> None:
        self.wish = wish
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._fault = fault
        self._orders: deque[Trick] = deque()
        self._event = asyncio.Event()
        self._bookmark = False
        self._sent = 0
        self._last: tuple[str, Manifest] | None = None

    def strike(self, trick: Trick) -> None:
        """Do this next. From any thread."""
        self._orders.append(trick)
        self._wake()

    def bookmark(self) -> None:
        """Send a bookmark, if the client wants them. From any thread."""
        self._bookmark = True
        self._wake()

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)

    async def run(self, stream: Stream) -> None:
        """Send events until the watch's time is over or it is told to end."""
        await stream.begin()
        try:
            version, items, subscription = self._store.subscribe(self.wish.resource, self.wish.since, self._wake)
        except Refusal as refusal:
            await stream.event("ERROR", refusal.status())
            return
        try:
            await self._follow(stream, version, items, subscription)
        finally:
            self._store.unsubscribe(self.wish.resource, subscription)

    async def _follow(self, stream: Stream, version: int, items: list[Manifest], subscription: Subscription) -> None:
        ends = self._loop.time() + self.wish.seconds if self.wish.seconds else None
        for item in filter(self.wish.meant, items):
            if await self._due(stream):
                return
            await self._say(stream, "ADDED", item)
        if self.wish.ends_initial:
            await stream.event("BOOKMARK", self._mark(version, {"k8s.io/initial-events-end": "true"}))
        while not await self._drain(stream, subscription):
            if not await self._wait(ends):
                self._bookmark = True
                await self._drain(stream, subscription)  # a bookmark stands for all that was before it
                return

    async def _wait(self, ends: float | None) -> bool:
        """Until there is something to say. False when the watch's time is over."""
        left = None if ends is None else max(0.0, ends - self._loop.time())
        pause = min((s for s in (left, self.wish.every or None) if s is not None), default=None)
        try:
            await asyncio.wait_for(self._event.wait(), pause)
        except TimeoutError:
            self._bookmark = True
        self._event.clear()
        return ends is None or self._loop.time() < ends

    async def _drain(self, stream: Stream, subscription: Subscription) -> bool:
        """Say all there is to say. True when the watch is over."""
        version = self._store.settled()
        while subscription.pending:
            if await self._due(stream):
                return True
            await self._tell(stream, subscription.pending.popleft())
        if self._bookmark and self.wish.bookmarks:
            await stream.event("BOOKMARK", self._mark(version, None))
        self._bookmark = False
        return await self._due(stream)

    async def _tell(self, stream: Stream, change: Change) -> None:
        was = change.before is not None and self.wish.meant(change.before)
        if change.after is not None and self.wish.meant(change.after):
            await self._say(stream, "MODIFIED" if was else "ADDED", change.after)
        elif was and change.before is not None:
            meta = change.before["metadata"] | {"resourceVersion": str(change.version)}
            await self._say(stream, "DELETED", change.before | {"metadata": meta})

    async def _say(self, stream: Stream, kind: str, item: Manifest) -> None:
        self._last = kind, item
        self._sent += 1
        resource = self.wish.resource
        await stream.event(kind, {"kind": resource.kind, "apiVersion": resource.version, **item})

    async def _due(self, stream: Stream) -> bool:
        """Do what was ordered. True when the watch is over."""
        if self._fault is not None and self._sent >= self._fault.after:
            self._orders.append(self._fault.trick)
            self._fault = None
        while self._orders:
            if await self._do(stream, self._orders.popleft()):
                return True
        return False

    async def _do(self, stream: Stream, trick: Trick) -> bool:
        if trick is Trick.SILENCE:
            await silence()
        elif trick in (Trick.EXPIRED, Trick.FAILED):
            await stream.event("ERROR", Refusal(410 if trick is Trick.EXPIRED else 500, "as commanded").status())
        elif trick in (Trick.CUT, Trick.RESET):
            await stream.send(b'{"type":"MODIFIED","object":{"metadata":{"name":"h\xc3')
            stream.close(reset=trick is Trick.RESET)
        elif trick is Trick.REPEAT and self._last is not None:
            await self._say(stream, *self._last)
        elif trick in _NOISE:
            await stream.send(_NOISE[trick])
        return trick in _LAST

    def _mark(self, version: int, annotations: dict[str, str] | None) -> Manifest:
        resource = self.wish.resource
        meta = {"resourceVersion": str(version), "creationTimestamp": None}
        meta |= {"annotations": annotations} if annotations else {}  # type: ignore[dict-item]
        return {"kind": resource.kind, "apiVersion": resource.version, "metadata": meta, **dict(resource.blank)}
