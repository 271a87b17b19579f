from __future__ import annotations

import errno
import threading

import msgspec
import pytest
from audit_outcomes import WALL, outcome, verdict
from audit_sinks import Bench, MemorySink, lines

from dnspolicy.audit import record as rec
from dnspolicy.audit.render import Renderer
from dnspolicy.audit.sinks import Tail
from dnspolicy.chain.metrics import Gauge
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.verdict import AuditLevel

OUTCOME = outcome(verdict())
SILENT = outcome(verdict(audit=AuditLevel.NONE))
STOP = b'{"type":"stop","version":1,"instance":"old","seq":9,"time":"2026-01-01T00:00:00.000000Z"}'


def kinds(data: bytes) -> list[tuple[str, int]]:
    return [(rec.kind(line), line.seq) for line in lines(data)]


def test_queries_and_folds_are_numbered_in_order() -> None:
    sink = MemorySink()
    bench = Bench(sink)
    bench.log.seen(OUTCOME)
    bench.log.repeated(OUTCOME, 5, WALL, WALL + 1, 0.001)
    bench.log.seen(OUTCOME)
    assert bench.log.drain()
    assert kinds(sink.data) == [("query", 1), ("repeat", 2), ("query", 3)]
    assert (bench.count("records_total", "query"), bench.count("records_total", "repeat")) == (2, 1)


def test_what_finds_the_queue_full_is_announced_in_its_place_and_counted_in_seq() -> None:
    sink = MemorySink()
    bench = Bench(sink, capacity=2)
    for _ in range(4):
        bench.log.seen(OUTCOME)
    bench.log.repeated(OUTCOME, 10, WALL + 3, WALL + 7, 0.1)
    assert bench.log.drain()
    bench.log.seen(OUTCOME)
    assert bench.log.drain()
    assert kinds(sink.data) == [("query", 1), ("query", 2), ("lost", 6), ("query", 7)]
    lost = lines(sink.data)[2]
    assert isinstance(lost, rec.LostRecord)
    assert (lost.count, lost.queries, lost.reason) == (3, 12, rec.LossReason.QUEUE_FULL)
    assert (lost.first, lost.last) == ("2026-01-01T00:00:00.250000Z", "2026-01-01T00:00:07.250000Z")
    assert bench.count("lost_total", "queue_full") == 3


def test_a_long_queue_is_written_whole() -> None:
    sink = MemorySink()
    bench = Bench(sink, capacity=1000)
    for _ in range(500):
        bench.log.seen(OUTCOME)
    assert bench.log.drain()
    assert [seq for _, seq in kinds(sink.data)] == list(range(1, 501))


def test_a_full_disk_loses_nothing_while_the_queue_has_room() -> None:
    sink = MemorySink()
    bench = Bench(sink)
    sink.error = errno.ENOSPC
    for _ in range(3):
        bench.log.seen(OUTCOME)
        assert not bench.log.drain()
        bench.clock.advance(10)
    sink.error = None
    assert bench.log.drain()
    assert kinds(sink.data) == [("query", 1), ("query", 2), ("query", 3)]
    assert bench.count("write_errors_total") == 3


def test_trouble_with_writing_is_told_once_and_its_end_too() -> None:
    sink = MemorySink()
    bench = Bench(sink)
    sink.error = errno.ENOSPC
    for _ in range(3):
        bench.log.seen(OUTCOME)
        bench.log.drain()
        bench.clock.advance(10)
    sink.error = None
    bench.log.drain()
    assert [line.split(":")[0] for line in bench.told] == ["audit", "audit"]
    assert "cannot write to memory: ENOSPC" in bench.told[0]
    assert "works again" in bench.told[1]


def test_attempts_to_write_are_spaced_out() -> None:
    sink = MemorySink()
    bench = Bench(sink)
    sink.error = errno.EIO
    bench.log.seen(OUTCOME)
    for _ in range(1000):
        bench.log.drain()
        bench.clock.advance(0.1)
    assert 20 <= sink.attempts <= 30  # 100 s with pauses of 0.1, 0.2 … 5 s


def test_what_is_lost_while_writing_fails_is_announced_when_it_works_again() -> None:
    sink = MemorySink()
    bench = Bench(sink, capacity=2)
    sink.error = errno.ENOSPC
    bench.log.seen(OUTCOME)
    bench.log.drain()
    for _ in range(5):
        bench.log.seen(OUTCOME)
    sink.error = None
    bench.clock.advance(10)
    assert bench.log.drain()
    assert kinds(sink.data) == [("query", 1), ("query", 2), ("query", 3), ("lost", 7)]
    assert bench.count("lost_total", "write_error") == 3


def test_the_queue_stays_bounded_however_much_is_lost() -> None:
    sink = MemorySink()
    bench = Bench(sink, capacity=4)
    sink.error = errno.ENOSPC
    bench.log.start()
    for _ in range(10_000):
        bench.log.seen(OUTCOME)
    gauge = next(m for m in bench.metrics.collect() if m.name == "dnspolicy_audit_queue_records")
    assert isinstance(gauge, Gauge)
    assert 4 <= gauge.values[()] <= 5
    bench.log.stop(5.0)
    bench.metrics.collect()
    assert gauge.values[()] == 0


class BrokenRenderer(Renderer, frozen=True):
    """Cannot render a query of size 13."""

    def query(self, outcome: object, seq: int) -> rec.QueryRecord | None:
        if outcome.size == 13:  # type: ignore[attr-defined]
            raise ValueError("thirteen")
        return super().query(outcome, seq)  # type: ignore[arg-type]


def test_a_record_that_cannot_be_made_is_announced_in_its_place() -> None:
    sink = MemorySink()
    bench = Bench(sink, renderer=BrokenRenderer(AuditLevel.METADATA, "i"))
    for size in (1, 13, 2):
        bench.log.seen(msgspec.structs.replace(OUTCOME, size=size))
    assert bench.log.drain()
    assert kinds(sink.data) == [("query", 1), ("lost", 3), ("query", 4)]
    assert bench.count("lost_total", "render_error") == 1


def test_a_verdict_that_wants_no_record_leaves_no_gap_but_a_count() -> None:
    sink = MemorySink()
    bench = Bench(sink)
    for seen in (OUTCOME, SILENT, OUTCOME):
        bench.log.seen(seen)
    bench.log.repeated(SILENT, 3, WALL, WALL, 0.1)
    assert bench.log.drain()
    assert kinds(sink.data) == [("query", 1), ("query", 2)]
    assert bench.count("skipped_total") == 2


@pytest.mark.parametrize(
    ("tail", "interrupted"),
    [
        pytest.param(Tail(), False, id="new-file"),
        pytest.param(Tail(STOP), False, id="after-a-stop"),
        pytest.param(Tail(STOP, torn=True), True, id="unfinished-line"),
        pytest.param(Tail(STOP.replace(b"stop", b"lost")), True, id="no-stop"),
        pytest.param(Tail(b"something"), True, id="no-record"),
    ],
)
def test_a_stream_starts_with_how_the_last_one_ended_and_ends_with_a_stop(tail: Tail, interrupted: bool) -> None:
    sink = MemorySink(tail)
    bench = Bench(sink)
    bench.log.start()
    bench.log.seen(OUTCOME)
    assert bench.log.stop(30) == 0
    assert kinds(sink.data) == [("start", 1), ("query", 2), ("stop", 3)]
    start = lines(sink.data)[0]
    assert isinstance(start, rec.StartRecord)
    assert start.interrupted is interrupted
    assert sink.closed


def test_the_thread_writes_without_being_stopped() -> None:
    written = threading.Event()

    class Sink(MemorySink):
        def write(self, lines: bytes) -> None:
            super().write(lines)
            if b'"query"' in lines:
                written.set()

    bench = Bench(Sink())
    bench.log.start()
    bench.log.seen(OUTCOME)
    assert written.wait(30)
    bench.log.stop(30)


def test_stopping_does_not_wait_for_a_sink_that_hangs_and_counts_what_stayed() -> None:
    sink = MemorySink()
    bench = Bench(sink)
    sink.gate = threading.Event()
    bench.log.start()
    for _ in range(3):
        bench.log.seen(OUTCOME)
    assert bench.log.stop(0.01) == 4  # and the start record
    assert bench.count("lost_total", "stopped") == 4
    sink.gate.set()


@pytest.mark.parametrize("error", [errno.ENOENT, errno.EACCES, errno.EISDIR, errno.EROFS], ids=errno.errorcode.get)
def test_a_sink_that_never_can_be_opened_is_an_error_of_configuration(error: int) -> None:
    sink = MemorySink()
    sink.error = error
    with pytest.raises(ConfigError, match="audit: cannot write to memory"):
        Bench(sink).log.start()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENXIO], ids=errno.errorcode.get)
def test_a_sink_that_cannot_be_opened_now_does_not_keep_the_server_from_starting(error: int) -> None:
    sink = MemorySink()
    sink.error = error
    bench = Bench(sink)
    bench.log.start()
    bench.log.seen(OUTCOME)
    sink.error = None
    assert bench.log.stop(30) == 0
    assert [kind for kind, _ in kinds(sink.data)] == ["start", "query", "stop"]
