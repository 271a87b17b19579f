"""The audit log: takes outcomes after the answer left, renders them between answers, and a thread writes them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable

from dnspolicy.audit.folds import Folds
from dnspolicy.audit.record import LossReason
from dnspolicy.audit.render import Fold
from dnspolicy.audit.stream import Item, Loss, Stream, first_time, last_time
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome

CAPACITY = 16_384
_CHUNK = 32
"""Records rendered at a stretch: some 0.3 ms in which the answering thread may have to wait."""
_BREATH = 0.0005
_MANY = 128
"""Records rendered between answers at a stretch: some 0.8 ms."""
_RENDERED = 8192
"""Rendered records that may wait for the disk; the rest waits unrendered."""
_INTERVAL = 0.1
_HELD = 1.0
"""Seconds that records wait for what a candidate policy says; then they are written without it."""
_STOP = LossReason.STOPPED.value


class AuditLog:
    """Implements `chain.observer.Observer`.

    `seen` and `repeated` only queue or count; records are written 0.1 s later if all is well. With `fold` (seconds),
    queries alike within that time share a record. `capacity` records may wait. What finds the queue full is counted,
    and a `lost` record stands where it is missing from the stream.

    With an event loop, records are rendered there, a few at a time: a thread that renders would fight with the
    answering one for the interpreter. The thread only writes, so a slow disk keeps nobody from answering.
    """

    def __init__(
        self, stream: Stream, *, metrics: Metrics, every: bool = False, capacity: int = CAPACITY, fold: float = 0.0
    ) -> None:
        self.every = every
        self._fold = fold
        self._folds = Folds() if fold else None
        self._close_at = 0.0
        self._held_since: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._soon = False
        self._stream = stream
        self._lost = stream.lost
        self._capacity = capacity
        self._queue: deque[Item] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._metrics = metrics
        self._waiting = metrics.gauge("dnspolicy_audit_queue_records", "Audit records that wait to be written.")
        self._uncount: Callable[[], None] | None = None

    def seen(self, outcome: Outcome) -> None:
        """One query. Returns at once, never raises."""
        folds = self._folds
        if folds is not None:
            if folds.full:
                self._close_folds()
            if folds.take(outcome):
                return
        self._put(outcome)

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        """`count` further queries like it. Returns at once, never raises."""
        fold = Fold(outcome, count, first, last, seconds)
        if self._folds is None or not self._folds.take_more(fold):
            self._put(fold)

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Open the sink and start the thread. Raises ConfigError when the sink cannot be opened by waiting either."""
        self._stream.open()
        self._uncount = self._metrics.before_collect(lambda: self._waiting.set(len(self._queue)))
        self._loop = loop
        if loop is not None:
            self._close_at = loop.time() + self._fold
            loop.call_later(_INTERVAL, self._beat, loop)
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> int:
        """Write what waits, for at most `seconds`. Returns how many records stayed unwritten; they are counted."""
        self._close_folds()
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(seconds)
        left = len(self._queue) + self._stream.unwritten
        if left:
            self._lost.inc((_STOP,), left)
        if self._uncount is not None:
            self._uncount()
            self._waiting.set(0.0)
        return left

    def drain(self, *, now: bool = False) -> bool:
        """Write all that waits; False when writing fails. Only for the thread, or where none was started.

        `now`: try even if an attempt failed a moment ago.
        """
        while self._stream.flush(now=now):
            items = self._take()
            if not items:
                return True
            self._stream.put(items)
            if len(items) == _CHUNK and len(self._queue) < self._capacity // 2:
                time.sleep(_BREATH)  # else this thread would keep the interpreter from the one that answers
        return False

    def _put(self, item: Outcome | Fold) -> None:
        with self._lock:
            queue = self._queue
            waiting = len(queue)
            if waiting < self._capacity:
                queue.append(item)
            else:
                self._lose(item)
        if waiting == self._capacity // 2:
            self._wake.set()
        if waiting >= _MANY and self._loop is not None and not self._soon:
            self._soon = True
            self._loop.call_soon(self._tick, self._loop)

    def _lose(self, item: Outcome | Fold) -> None:
        """Count it in the queue's last place, which is where it is missing."""
        reason = LossReason.WRITE_ERROR if self._stream.failing else LossReason.QUEUE_FULL
        self._lost.inc((reason.value,))
        loss = self._queue[-1]
        if not isinstance(loss, Loss) or loss.reason is not reason:
            loss = Loss(reason, first_time(item), last_time(item))
            self._queue.append(loss)
        loss.add(item)

    def _take(self, most: int = _CHUNK) -> list[Item]:
        """What is next, as far as a candidate policy has been asked about it: that happens when the answer has left."""
        taken: list[Item] = []
        with self._lock:
            queue = self._queue
            while queue and len(taken) < most and self._ready(queue[0]):
                taken.append(queue.popleft())
        return taken

    def _ready(self, item: Item) -> bool:
        if not _open(item) or self._stopping.is_set():
            self._held_since = None
            return True
        now = time.monotonic()
        if self._held_since is None:
            self._held_since = now
        return now - self._held_since > _HELD

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        """What is to happen even when little is asked."""
        if self._stopping.is_set():
            return
        loop.call_later(_INTERVAL, self._beat, loop)  # first: what goes wrong below must not be the last beat
        if self._folds is not None and loop.time() >= self._close_at:
            self._close_folds()
            self._close_at = loop.time() + self._fold
        self._tick(loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Render some records, and come again soon when there are more."""
        self._soon = False
        if self._stopping.is_set() or self._stream.unwritten >= _RENDERED:
            return
        items = self._take(_MANY)
        self._stream.put(items)
        if self._queue and items:
            self._soon = True
            loop.call_soon(self._tick, loop)

    def _close_folds(self) -> None:
        if self._folds is not None:
            for fold in self._folds.close():
                self._put(fold)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_INTERVAL)
            self._wake.clear()
            if self._loop is None:
                self.drain()
            else:
                self._stream.flush()
        self.drain(now=True)
        self._stream.close()


def _open(item: Item) -> bool:
    """Whether a candidate policy is still being asked about it."""
    if isinstance(item, Loss):
        return False
    outcome = item.outcome if isinstance(item, Fold) else item
    for judgement in outcome.judgements:
        beside = judgement.verdict.beside
        if beside is not None and not beside.known:
            return True
    return False
