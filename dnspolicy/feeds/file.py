"""A document in a file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from dnspolicy.chain.pauses import Pauses
from dnspolicy.corefile.regular import NotRegular, Signature, read_changed, signature_of
from dnspolicy.feeds.document import Document, Told
from dnspolicy.feeds.failures import FAULT_PAUSE, REFUSED_SECONDS, FeedFailure, Reason

PATIENCE = 5
"""Looks after which a file that never stops changing is read all the same."""
Parse = Callable[[bytes], tuple[bytes, str]]
"""Bytes → the document in JSON and its revision. Raises FeedFailure. Takes a while, so it is called in a thread."""


class FileSource:
    """Looks every `every` seconds. A change counts when two looks in a row see the same, so that a file is rarely read
    while somebody writes it; what cannot be used is told and leaves the last good content. It is as old as the file.
    After a fault of ours the same file is read again, after a pause that doubles.
    """

    def __init__(
        self,
        path: Path,
        parse: Parse,
        *,
        every: float,
        limit: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._parse = parse
        self._every = every
        self._limit = limit
        self._now = monotonic
        self._faults = Pauses(FAULT_PAUSE, REFUSED_SECONDS)
        self._again_at: float | None = None
        self._known: Signature | None = None
        self._pending: Signature | None = None
        self._waited = 0

    async def run(self, told: Told) -> None:
        first = True
        while True:
            await self.look(told, first)
            first = False
            await asyncio.sleep(self._every)

    async def look(self, told: Told, at_once: bool) -> None:
        """See what there is. `at_once` takes it although it may be about to change."""
        if self._again_at is not None and self._now() >= self._again_at:
            self._known = self._again_at = None
        try:
            document = await asyncio.to_thread(self._look, at_once)
        except FeedFailure as problem:
            told.failed(problem)
            self._settle(problem)
        except Exception:  # a fault of ours, for whoever follows
            self._known = None
            raise
        else:
            if document is not None:
                told.document(document)
                self._settle(None)

    def _settle(self, problem: FeedFailure | None) -> None:
        """What came of reading it: when it is read again although it is the same."""
        if problem is not None and problem.reason is Reason.FAULT:
            self._again_at = self._now() + self._faults.next()
        else:
            self._again_at = None
            self._faults.reset()

    def _look(self, at_once: bool) -> Document | None:
        try:
            now = signature_of(self._path.stat())
            if now == self._known:
                self._pending, self._waited = None, 0
                return None
            settled = now == self._pending or self._waited >= PATIENCE
            if not (at_once or settled):
                self._pending, self._waited = now, self._waited + 1
                return None
            found = read_changed(self._path, self._limit, self._known)
        except NotRegular as problem:
            self._known = self._pending = None
            raise FeedFailure(Reason.BAD_DOCUMENT, f"{self._path} is {problem}") from None
        except OSError as problem:
            self._known = self._pending = None
            raise FeedFailure(Reason.MISSING, f"{self._path} cannot be read: {problem.strerror or problem}") from None
        if found is None:
            return None
        self._known, self._pending, self._waited = found.signature, None, 0
        if len(found.raw) > self._limit:
            raise FeedFailure(Reason.TOO_LARGE, f"{self._path} has more than {self._limit} bytes; `size` allows more")
        encoded, revision = self._parse(found.raw)
        return Document(encoded, revision, found.modified)
