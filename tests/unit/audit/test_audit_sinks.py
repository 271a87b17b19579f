from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from dnspolicy.audit.sinks import FileSink, StreamSink, hopeless
from dnspolicy.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def opened(path: Path, clock: FakeClock) -> FileSink:
    sink = FileSink(path, clock)
    sink.open()
    return sink


def test_a_file_is_appended_to_and_not_open_to_others(path: Path, clock: FakeClock) -> None:
    for text in (b"one\n", b"two\n"):
        sink = opened(path, clock)
        sink.write(text)
        sink.close()
    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) & 0o137 == 0


@pytest.mark.parametrize(
    ("before", "line", "torn", "after"),
    [
        pytest.param(b"", b"", False, b"new\n", id="empty"),
        pytest.param(b"one\ntwo\n", b"two", False, b"one\ntwo\nnew\n", id="whole"),
        pytest.param(b"one\ntw", b"one", True, b"one\ntw\nnew\n", id="unfinished"),
        pytest.param(b"tw", b"", True, b"tw\nnew\n", id="unfinished-only"),
    ],
)
def test_an_unfinished_line_is_ended_first(
    path: Path, clock: FakeClock, before: bytes, line: bytes, torn: bool, after: bytes
) -> None:
    path.write_bytes(before)
    sink = FileSink(path, clock)
    tail = sink.open()
    sink.write(b"new\n")
    sink.close()
    assert (tail.line, tail.torn) == (line, torn)
    assert path.read_bytes() == after


def test_a_rotated_file_is_let_go_within_a_second(path: Path, clock: FakeClock) -> None:
    sink = opened(path, clock)
    sink.write(b"one\n")
    path.rename(path.with_suffix(".1"))
    sink.write(b"two\n")
    clock.advance(1)
    sink.write(b"three\n")
    sink.close()
    assert path.with_suffix(".1").read_bytes() == b"one\ntwo\n"
    assert path.read_bytes() == b"three\n"


def test_a_deleted_file_is_made_anew(path: Path, clock: FakeClock) -> None:
    sink = opened(path, clock)
    path.unlink()
    clock.advance(1)
    sink.write(b"one\n")
    sink.close()
    assert path.read_bytes() == b"one\n"


def test_a_file_that_was_cut_is_appended_to(path: Path, clock: FakeClock) -> None:
    sink = opened(path, clock)
    sink.write(b"one\n")
    os.truncate(path, 0)
    sink.write(b"two\n")
    sink.close()
    assert path.read_bytes() == b"two\n"


def test_a_missing_directory_is_an_error_until_it_is_back(path: Path, clock: FakeClock) -> None:
    folder = path.parent / "logs"
    folder.mkdir()
    sink = opened(folder / "a", clock)
    (folder / "a").unlink()
    folder.rmdir()
    clock.advance(1)
    with pytest.raises(FileNotFoundError):
        sink.write(b"one\n")
    folder.mkdir()
    sink.write(b"one\n")
    sink.close()
    assert (folder / "a").read_bytes() == b"one\n"


def test_a_full_disk_is_an_error_that_waiting_may_cure(clock: FakeClock) -> None:
    sink = opened(Path("/dev/full"), clock)
    with pytest.raises(OSError, match="No space left") as caught:
        sink.write(b"one\n")
    sink.close()
    assert not hopeless(caught.value)


@pytest.mark.parametrize(
    "make", [pytest.param(lambda p: p.mkdir(), id="directory"), pytest.param(lambda p: p.symlink_to(p), id="loop")]
)
def test_what_is_no_file_is_hopeless(path: Path, clock: FakeClock, make: object) -> None:
    make(path)  # type: ignore[operator]
    with pytest.raises(OSError, match=r".") as caught:
        FileSink(path, clock).open()
    assert hopeless(caught.value)


def test_a_pipe_without_a_reader_does_not_hang_the_start(path: Path, clock: FakeClock) -> None:
    os.mkfifo(path)
    with pytest.raises(OSError, match=r".") as caught:
        FileSink(path, clock).open()
    assert caught.value.errno == errno.ENXIO
    assert not hopeless(caught.value)


def test_after_a_half_written_line_writing_goes_on_where_it_stopped() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    sink = StreamSink(writing, "pipe", patience=0)
    line = b"x" * 200_000 + b"\n"
    with pytest.raises(BlockingIOError):  # a pipe holds 64 KiB
        sink.write(line)
    read = b""
    while len(read) < len(line):
        read += os.read(reading, 65536)
        try:
            sink.write(line)
        except BlockingIOError:
            continue
        break
    os.close(writing)
    while block := os.read(reading, 65536):
        read += block
    os.close(reading)
    assert read == line


def test_a_reader_that_went_away_is_an_error(clock: FakeClock) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        StreamSink(writing, "pipe").write(b"one\n")
    os.close(writing)


def test_how_a_file_ends_says_nothing_while_another_writer_has_it_open(path: Path, clock: FakeClock) -> None:
    path.write_bytes(b"one\ntw")
    first, second = FileSink(path, clock), FileSink(path, clock)
    assert first.open().torn
    first.write(b"three\n")
    assert second.open().line == b""
    first.close()
    second.close()
    third = FileSink(path, clock)
    assert third.open().line == b"three"
    third.close()


def test_lines_reach_a_pipe_in_pieces_that_it_takes_whole() -> None:
    reading, writing = os.pipe()
    lines = b"".join(b"x" * 1500 + b"\n" for _ in range(20))
    StreamSink(writing, "pipe").write(lines)
    os.close(writing)
    read = b""
    while block := os.read(reading, 65536):
        read += block
    os.close(reading)
    assert read == lines


def test_a_line_that_was_half_written_when_the_file_was_moved_is_whole_in_the_new_one(
    path: Path, clock: FakeClock
) -> None:
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = FileSink(path, clock, patience=0)
    sink.open()
    lines = b"one\n" + b"x" * 200_000 + b"\n"
    with pytest.raises(BlockingIOError):  # a pipe holds 64 KiB
        sink.write(lines)
    path.unlink()
    clock.advance(1)
    sink.write(lines)
    sink.close()
    os.close(reading)
    assert path.read_bytes() == b"x" * 200_000 + b"\n"
