"""Follows a document behind a URL: asks again and again, keeps the last good copy, says how old it is.

Whoever follows gives a `Sink` that judges each document; only what it took is kept on disk and asked for by its ETag.

    fetcher = Fetcher(Origin(url="https://lists.example/names.json", keep=Path("/var/lib/feeds/names")), clock, log)
    task = asyncio.create_task(fetcher.follow(sink))
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from logging import Logger
from pathlib import Path
from typing import NoReturn, Protocol

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.pauses import Pauses
from dnspolicy.feeds.exchange import Ask, Exchange, Reply
from dnspolicy.feeds.failures import FAULT_PAUSE, REFUSED_SECONDS, FeedFailure, Reason
from dnspolicy.feeds.keep import Keep, Kept
from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.policy.settings.web import WebWords, without_secrets

PAUSE_FIRST = 1.0
"""Seconds after the first failure; they double from there."""
LONG_POLL_LEAST = 1.0
"""Seconds between two requests to a server that says it holds them, also when it does not."""
TOUCH_SECONDS = 30.0
"""A copy on disk is not marked as confirmed more often."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a document comes from. `http:` and `https:` only.

    Asked every `every` seconds. One exchange takes at most `timeout` seconds, and `wait` more when the server is asked
    to hold it until something changes (`Prefer: wait=N`, 0: not asked). A body of more than `limit` bytes is refused.
    `token_file` holds a bearer token, sent to the URL's own host only; `ca` the authorities to believe instead of the
    system's; `certificate` and `key` who we are. All files are read again when they change. `keep` is a folder of its
    own for the last good copy, made when it is not there; without `writes` it is read and not written. `accept` is the
    header of that name.
    """

    url: str
    every: float = 60.0
    timeout: float = 30.0
    wait: float = 0.0
    limit: int = 64 << 20
    token_file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    keep: Path | None = None
    writes: bool = True
    accept: str = "*/*"


def origin_of(
    words: WebWords, path: Callable[[str], Path], *, url: str, every: float, limit: int, accept: str = "*/*"
) -> Origin:
    """The origin that some words of a configuration describe. `path`: what it writes → where that is."""
    files = words.files(path)
    token_file, keep = (path(text) if text else None for text in (words.token_file, words.keep))
    return Origin(
        url=url,
        every=every,
        timeout=words.timeout,
        wait=words.wait,
        limit=limit,
        token_file=token_file,
        ca=files.authority,
        certificate=files.certificate,
        key=files.key,
        keep=keep,
        accept=accept,
    )


class Fetched(msgspec.Struct, frozen=True):
    """A document. `at` is when the server last said that this is what there is (seconds since 1970).

    `sha256` is the content's, in hex, and does not depend on what the server calls it. `kept`: from disk.
    """

    body: bytes
    at: float
    sha256: str
    etag: str = ""
    content_type: str = ""
    kept: bool = False


class Sink(Protocol):
    """Who follows. Called on the event loop, one call at a time."""

    async def take(self, fetched: Fetched) -> None:
        """Another document. Raises DnsPolicyError when it cannot be used: then the former one counts on."""
        ...

    def confirmed(self, at: float) -> None:
        """What was taken last is still what there is, as of `at` (seconds since 1970)."""
        ...

    def failed(self, problem: DnsPolicyError) -> None:
        """It could not be had (FeedFailure), or `take` refused it (what it raised). Said each time."""
        ...


class Fetcher:
    """Follows one origin. To be used on the event loop, by one caller at a time; nothing is opened before that."""

    def __init__(self, origin: Origin, clock: Clock, log: Logger) -> None:
        self._origin = origin
        self._clock = clock
        self._log = log
        self._exchange = Exchange(Ask(**{name: getattr(origin, name) for name in Ask.__struct_fields__}))
        self._keep = Keep(origin.keep, origin.url, origin.limit) if origin.keep is not None else None
        self._pauses = Pauses(min(PAUSE_FIRST, origin.every), max(origin.every, PAUSE_FIRST))
        self._etag = self._modified = ""
        self._taken = ""
        self._refused: tuple[str, DnsPolicyError] | None = None
        self._again_at = 0.0
        self._faults = Pauses(FAULT_PAUSE, REFUSED_SECONDS)
        self._touched = 0.0

    async def follow(self, sink: Sink) -> NoReturn:
        """Hand over the copy on disk if there is one, then ask for ever. Ends when it is cancelled."""
        try:
            await self.restore(sink)
            while True:
                pause = await self.once(sink)
                await asyncio.sleep(pause)
        finally:
            await self.close()

    async def restore(self, sink: Sink) -> bool:
        """Hand over the copy on disk. Returns whether there was one and it was taken."""
        if self._keep is None:
            return False
        kept = await asyncio.to_thread(self._keep.load)
        if kept is None:
            if self._keep.problem:
                self._log.warning(
                    "the copy of %s is not used: %s", without_secrets(self._origin.url), self._keep.problem
                )
            return False
        try:
            await sink.take(Fetched(kept.body, kept.at, kept.sha256, kept.etag, kept.content_type, kept=True))
        except DnsPolicyError as problem:
            sink.failed(problem)
            return False
        self._taken, self._etag, self._modified = kept.sha256, kept.etag, kept.modified
        return True

    async def once(self, sink: Sink) -> float:
        """Ask once and tell the sink. Returns the seconds to wait before the next time."""
        began = self._clock.monotonic()
        if self._refused is not None and began >= self._again_at:
            self._forget_refused()
        try:
            reply = await self._exchange.ask(self._etag, self._modified, self._origin.wait)
            if reply is None:
                await self._unchanged(sink)
            else:
                await self._changed(reply, sink)
        except FeedFailure as problem:
            sink.failed(problem)
            return self._pauses.next(problem.retry_after)
        except DnsPolicyError as problem:
            sink.failed(problem)
            return self._origin.every
        self._pauses.reset()
        if not self._exchange.waited:
            return self._origin.every
        return max(0.0, LONG_POLL_LEAST - (self._clock.monotonic() - began))

    async def close(self) -> None:
        """Let go of connections."""
        await self._exchange.close()

    async def _unchanged(self, sink: Sink) -> None:
        if self._refused is not None:
            raise self._refused[1]
        if not self._taken:
            raise FeedFailure(Reason.BAD_REPLY, "not modified (304), though we have nothing")
        await self._confirm(sink)

    async def _changed(self, reply: Reply, sink: Sink) -> None:
        sha256 = await asyncio.to_thread(_sum, reply.body)
        at = self._clock.wall()
        if sha256 == self._taken:
            self._refused = None
            self._etag, self._modified = reply.etag, reply.modified
            await self._confirm(sink)
            return
        if self._refused is not None and self._refused[0] == sha256:
            raise self._refused[1]
        self._etag, self._modified = reply.etag, reply.modified
        try:
            await sink.take(Fetched(reply.body, at, sha256, reply.etag, reply.content_type))
        except DnsPolicyError as problem:
            self._refuse(sha256, problem)
            raise
        except Exception:  # a fault of ours: else the server's "not modified" would speak of what nobody has
            self._forget_refused()
            raise
        self._refused, self._taken = None, sha256
        self._faults.reset()
        await self._store(Kept(reply.body, at, sha256, reply.etag, reply.modified, reply.content_type))

    def _refuse(self, sha256: str, problem: DnsPolicyError) -> None:
        """It need not be sent again for a while, by its ETag; for a shorter one when a fault leaves open what it is."""
        self._refused, pause = (sha256, problem), REFUSED_SECONDS
        if isinstance(problem, FeedFailure) and problem.reason is Reason.FAULT:
            pause = self._faults.next()
        else:
            self._faults.reset()
        self._again_at = self._clock.monotonic() + pause

    def _forget_refused(self) -> None:
        """Let the server send it again."""
        self._refused = None
        self._etag = self._modified = ""

    async def _confirm(self, sink: Sink) -> None:
        now = self._clock.wall()
        sink.confirmed(now)
        if self._keep is not None and self._origin.writes and now - self._touched >= TOUCH_SECONDS:
            self._touched = now
            await asyncio.to_thread(self._keep.confirm, now)

    async def _store(self, kept: Kept) -> None:
        if self._keep is None or not self._origin.writes:
            return
        self._touched = kept.at
        await asyncio.to_thread(self._keep.store, kept)
        if self._keep.problem:
            self._log.warning("no copy of %s is kept: %s", without_secrets(self._origin.url), self._keep.problem)


def _sum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
