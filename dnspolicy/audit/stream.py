"""The stream of records: numbers them, buffers their lines, and keeps trying when they cannot be written."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from dnspolicy import __version__
from dnspolicy.audit import record as rec
from dnspolicy.audit.lines import Lines
from dnspolicy.audit.render import Fold, Renderer, timestamp
from dnspolicy.audit.sinks import Sink, Tail, hopeless
from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.errors import ConfigError

_QUERY = "query"
_FIRST_RETRY, _LAST_RETRY = 0.1, 5.0


class Loss(msgspec.Struct):
    """Records lost in one place of the stream. `first` and `last` are wall times of their queries."""

    reason: rec.LossReason
    first: float
    last: float
    records: int = 0
    queries: int = 0

    def add(self, item: Outcome | Fold) -> None:
        """Count one more."""
        self.records += 1
        self.queries += item.count if isinstance(item, Fold) else 1
        self.last = max(self.last, last_time(item))


Item = Outcome | Fold | Loss
Tell = Callable[[str], object]


def first_time(item: Outcome | Fold) -> float:
    """Wall time of the (first) query."""
    return item.first if isinstance(item, Fold) else item.wall


def last_time(item: Outcome | Fold) -> float:
    """Wall time of the (last) query."""
    return item.last if isinstance(item, Fold) else item.wall


class Stream:
    """`put` may be called in one thread and `flush` in another, all else only by the one that flushes.

    After a failed write the same lines are tried again, at first after 0.1 s, at last 5 s.

    `tell` takes one line for the server's own log each time writing begins to fail or works again.
    """

    def __init__(self, sink: Sink, renderer: Renderer, *, clock: Clock, metrics: Metrics, tell: Tell) -> None:
        self.failing = False
        self._sink = sink
        self._renderer = renderer
        self._prepared = Lines(renderer)
        self._clock = clock
        self._tell = tell
        self._seq = 0
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._kinds: Counter[str] = Counter()
        self._buffer = b""
        self._buffered: Counter[str] = Counter()
        self._pause = 0.0
        self._retry_at = 0.0
        self._written = metrics.counter(
            "dnspolicy_audit_records_total", "Audit records written, by type of record.", ("type",)
        )
        self._skipped = metrics.counter(
            "dnspolicy_audit_skipped_total", "Queries or folds without a record because their verdict asked for none."
        )
        self._errors = metrics.counter("dnspolicy_audit_write_errors_total", "Failed attempts to write audit records.")
        self.lost = metrics.counter("dnspolicy_audit_lost_total", "Audit records lost, by reason.", ("reason",))
        # All series from the start: metrics are read while another thread counts, so no key may be added later.
        for kind in rec.KINDS:
            self._written.inc((kind,), 0)
        for reason in rec.LossReason:
            self.lost.inc((reason.value,), 0)

    @property
    def unwritten(self) -> int:
        """Records that are rendered but not written."""
        return self._kinds.total() + self._buffered.total()

    def open(self) -> None:
        """Open the sink and begin with a `start` record. Raises ConfigError when waiting cannot help."""
        tail = Tail()
        try:
            tail = self._sink.open()
        except OSError as problem:
            if hopeless(problem):
                raise ConfigError(f"audit: cannot write to {self._sink.name}: {problem.strerror}") from problem
            self._failed(problem)
        renderer = self._renderer
        start = rec.StartRecord(
            version=rec.VERSION, instance=renderer.instance, seq=self._next(), time=timestamp(self._clock.wall()),
            program=f"dnspolicy {__version__}", level=renderer.level, labels=renderer.labels,
            interrupted=_interrupted(tail),
        )  # fmt: skip
        self._add(start)

    def put(self, items: Iterable[Item]) -> None:
        """Render items behind what is buffered. A fault in rendering one becomes a `lost` record in its place."""
        with self._lock:
            for item in items:
                self._put(item)

    def _put(self, item: Item) -> None:
        if isinstance(item, Loss):
            self._add_loss(item)
            return
        try:
            self._add_query(item)
        except Exception as problem:  # noqa: BLE001 a record that cannot be made must be announced, whatever failed
            loss = Loss(rec.LossReason.RENDER_ERROR, first_time(item), last_time(item))
            loss.add(item)
            self.lost.inc((loss.reason.value,))
            self._tell(f"audit: a record could not be made: {problem!r}")
            self._add_loss(loss)

    def flush(self, *, now: bool = False) -> bool:
        """Write what is buffered; False when that fails, or when it failed and it is not yet time to try again.

        `now`: do not wait for that time.
        """
        if not self._buffer:
            with self._lock:
                self._buffer, self._buffered = b"".join(self._lines), self._kinds
                self._lines, self._kinds = [], Counter()
        if not self._buffer:
            return True
        if self.failing and not now and self._clock.monotonic() < self._retry_at:
            return False
        try:
            self._sink.write(self._buffer)
        except OSError as problem:
            self._failed(problem)
            return False
        self._succeeded()
        return True

    def close(self) -> None:
        """End with a `stop` record if it can be written at once, and close the sink."""
        if self.flush(now=True):
            stop = rec.StopRecord(
                version=rec.VERSION, instance=self._renderer.instance, seq=self._next(),
                time=timestamp(self._clock.wall()),
            )  # fmt: skip
            self._add(stop)
            self.flush(now=True)
        self._sink.close()

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _add(self, line: rec.Line) -> None:
        self._lines.append(rec.encode(line))
        self._kinds[rec.kind(line)] += 1

    def _add_query(self, item: Outcome | Fold) -> None:
        line: rec.QueryRecord | None
        if isinstance(item, Fold):
            line = self._renderer.repeat(item, self._seq + 1)
        else:
            ready = self._prepared.query(item, self._seq + 1)
            if ready is not None:
                self._lines.append(ready)
                self._kinds[_QUERY] += 1
                self._seq += 1
                return
            line = self._renderer.query(item, self._seq + 1)
        if line is None:
            self._skipped.inc()
            return
        self._add(line)
        self._seq += 1

    def _add_loss(self, loss: Loss) -> None:
        self._seq += loss.records
        line = rec.LostRecord(
            version=rec.VERSION, instance=self._renderer.instance, seq=self._next(),
            time=timestamp(self._clock.wall()), count=loss.records, queries=loss.queries, reason=loss.reason,
            first=timestamp(loss.first), last=timestamp(loss.last),
        )  # fmt: skip
        self._add(line)

    def _failed(self, problem: OSError) -> None:
        self._errors.inc()
        if not self.failing:
            self._tell(f"audit: cannot write to {self._sink.name}: {problem.strerror}; trying again, records wait")
            self._pause = 0.0
        self.failing = True
        self._pause = min(max(self._pause * 2, _FIRST_RETRY), _LAST_RETRY)
        self._retry_at = self._clock.monotonic() + self._pause

    def _succeeded(self) -> None:
        self._buffer = b""
        for kind, count in self._buffered.items():
            self._written.inc((kind,), count)
        self._buffered.clear()
        if self.failing:
            self.failing = False
            self._tell(f"audit: writing to {self._sink.name} works again; what was lost meanwhile is in the stream")


def _interrupted(tail: Tail) -> bool:
    """Whether the last writer of the file went without a word."""
    if tail.torn or not tail.line:
        return tail.torn
    try:
        return not isinstance(rec.decode(tail.line), rec.StopRecord)
    except rec.BadRecord:
        return True
