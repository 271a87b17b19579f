"""A sink in memory, and reading what was written."""

from __future__ import annotations

import errno
import threading

from dnspolicy.audit import record as rec
from dnspolicy.audit.log import AuditLog
from dnspolicy.audit.render import Renderer
from dnspolicy.audit.sinks import Sink, Tail
from dnspolicy.audit.stream import Stream
from dnspolicy.chain.metrics import Counter, Metrics
from dnspolicy.model.verdict import AuditLevel
from dnspolicy.testing.clock import FakeClock


class MemorySink:
    """Keeps what is written. Fails with `error` while that is set; waits for `gate` when there is one."""

    name = "memory"

    def __init__(self, tail: Tail = Tail()) -> None:  # noqa: B008 frozen
        self.data = b""
        self.error: int | None = None
        self.attempts = 0
        self.closed = False
        self.gate: threading.Event | None = None
        self._tail = tail

    def open(self) -> Tail:
        self._check()
        return self._tail

    def write(self, lines: bytes) -> None:
        self.attempts += 1
        if self.gate is not None:
            self.gate.wait(30)
        self._check()
        self.data += lines

    def close(self) -> None:
        self.closed = True

    def _check(self) -> None:
        if self.error is not None:
            raise OSError(self.error, errno.errorcode[self.error])


class Bench:
    """An audit log on a sink, with a clock that is moved by hand."""

    def __init__(
        self, sink: Sink, *, capacity: int = 100, renderer: Renderer = Renderer(AuditLevel.METADATA, "i")  # noqa: B008
    ) -> None:  # fmt: skip
        self.clock = FakeClock()
        self.metrics = Metrics()
        self.told: list[str] = []
        self.stream = Stream(sink, renderer, clock=self.clock, metrics=self.metrics, tell=self.told.append)
        self.log = AuditLog(self.stream, metrics=self.metrics, capacity=capacity)

    def count(self, name: str, *labels: str) -> float:
        metric = self.metrics.counter(f"dnspolicy_audit_{name}", "")
        assert isinstance(metric, Counter)
        return metric.values[labels]


def lines(data: bytes) -> list[rec.Line]:
    assert not data or data.endswith(b"\n")
    return [rec.decode(line) for line in data.splitlines()]
