"""The audit log: takes outcomes on the answering path, and a thread of its own writes their records."""

from __future__ import annotations

import threading
import time
from collections import deque

from dnspolicy.audit.record import LossReason
from dnspolicy.audit.render import Fold
from dnspolicy.audit.stream import Item, Loss, Stream, first_time, last_time
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome

CAPACITY = 16_384
_CHUNK = 32
"""Records rendered at a stretch: some 0.3 ms in which the answering thread may have to wait."""
_BREATH = 0.0005
_INTERVAL = 0.1
_STOP = LossReason.STOPPED.value


class AuditLog:
    """Implements `chain.observer.Observer`.

    `seen` and `repeated` only queue; a thread renders and writes, 0.1 s later if all is well. `capacity` records may
    wait. What finds the queue full is counted, and a `lost` record stands where it is missing from the stream.
    """

    def __init__(self, stream: Stream, *, metrics: Metrics, every: bool = False, capacity: int = CAPACITY) -> None:
        self.every = every
        self._stream = stream
        self._lost = stream.lost
        self._capacity = capacity
        self._queue: deque[Item] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        waiting = metrics.gauge("dnspolicy_audit_queue_records", "Audit records that wait to be written.")
        metrics.before_collect(lambda: waiting.set(len(self._queue)))

    def seen(self, outcome: Outcome) -> None:
        """One query. Returns at once, never raises."""
        self._put(outcome)

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        """`count` further queries like it. Returns at once, never raises."""
        self._put(Fold(outcome, count, first, last, seconds))

    def start(self) -> None:
        """Open the sink and start the thread. Raises ConfigError when the sink cannot be opened by waiting either."""
        self._stream.open()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> int:
        """Write what waits, for at most `seconds`. Returns how many records stayed unwritten; they are counted."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(seconds)
        left = len(self._queue) + self._stream.unwritten
        if left:
            self._lost.inc((_STOP,), left)
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

    def _lose(self, item: Outcome | Fold) -> None:
        """Count it in the queue's last place, which is where it is missing."""
        reason = LossReason.WRITE_ERROR if self._stream.failing else LossReason.QUEUE_FULL
        self._lost.inc((reason.value,))
        loss = self._queue[-1]
        if not isinstance(loss, Loss) or loss.reason is not reason:
            loss = Loss(reason, first_time(item), last_time(item))
            self._queue.append(loss)
        loss.add(item)

    def _take(self) -> list[Item]:
        with self._lock:
            return [self._queue.popleft() for _ in range(min(_CHUNK, len(self._queue)))]

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_INTERVAL)
            self._wake.clear()
            self.drain()
        self.drain(now=True)
        self._stream.close()
