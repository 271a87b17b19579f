from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.audit import record as rec
from dnspolicy.audit.reader import MAX_LINE, LineSplitter, Sequence, follow_lines, read_lines

NOW = "2026-01-01T00:00:00.000000Z"


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_lines_are_the_same_however_the_bytes_come(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(data)]
    splitter = LineSplitter()
    found = [line for a, b in pairwise(edges) for line in splitter.feed(data[a:b])]
    rest = splitter.end()
    wanted = [line for line in data.split(b"\n") if line.strip()]
    assert [line.strip() for line in [*found, *([rest] if rest else [])]] == [line.strip() for line in wanted]


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "endless"])
def test_a_line_too_long_is_cut_off_and_the_next_one_is_whole(ended: bool) -> None:
    splitter = LineSplitter()
    found = [line for _ in range(30) for line in splitter.feed(b"x" * (MAX_LINE // 10))]
    if ended:
        found += splitter.feed(b"xx\nnext\n")
    assert [len(line) for line in found] == [MAX_LINE, 4] if ended else [MAX_LINE]
    assert splitter.end() == b""


def test_a_file_is_read_to_its_end_with_a_last_line_that_has_no_newline(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\n\n  \ntwo\nthree")
    with path.open("rb") as file:
        assert list(read_lines(file)) == [b"one", b"two", b"three"]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def rotate(path: Path) -> None:
    append(path, b"late\n")
    path.rename(path.with_suffix(".1"))


def follow(path: Path, *steps: Callable[[], object]) -> list[bytes]:
    """What is read when the steps happen one after the other, each between two looks."""
    todo: Iterator[Callable[[], object]] = iter(steps)
    left = len(steps) + 1
    found = []
    for line in follow_lines(path, lambda: next(todo, lambda: None)()):
        if line is not None:
            found.append(line)
            continue
        left -= 1
        if not left:
            break
    return found


def test_following_reads_what_is_added(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\ntw")
    steps = (lambda: append(path, b"o\nthr"), lambda: None, lambda: append(path, b"ee\n"))
    assert follow(path, *steps) == [b"one", b"two", b"three"]


def test_following_goes_over_to_the_file_that_took_the_place(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\n")
    steps = (lambda: rotate(path), lambda: path.write_bytes(b"two\n"), lambda: append(path, b"three\n"))
    assert follow(path, *steps) == [b"one", b"late", b"two", b"three"]


def test_following_starts_again_when_the_file_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\nunfinished")
    steps = (lambda: os.truncate(path, 0), lambda: append(path, b"two\n"))
    assert follow(path, *steps) == [b"one", b"two"]


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        follow(tmp_path / "a")


def line(seq: int, instance: str = "i", lost: int = 0) -> rec.Line:
    if not lost:
        return rec.StopRecord(version=1, instance=instance, seq=seq, time=NOW)
    return rec.LostRecord(
        version=1, instance=instance, seq=seq, time=NOW, count=lost, queries=lost, reason=rec.LossReason.QUEUE_FULL,
        first=NOW, last=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stream", "gaps"),
    [
        pytest.param([line(1), line(2), line(3)], [0, 0, 0], id="whole"),
        pytest.param([line(7), line(8)], [0, 0], id="begins-in-the-middle"),
        pytest.param([line(1), line(5)], [0, 3], id="cut"),
        pytest.param([line(1), line(7, lost=5), line(8)], [0, 0, 0], id="announced"),
        pytest.param([line(1), line(9, lost=5)], [0, 2], id="announced-in-part"),
        pytest.param([line(1), line(1, "j"), line(2), line(4, "j")], [0, 0, 0, 2], id="two-instances"),
        pytest.param([line(1), line(2), line(1), line(2), line(3)], [0, 0, 0, 0, 0], id="twice"),
    ],
)
def test_gaps_in_the_sequence_are_found(stream: list[rec.Line], gaps: list[int]) -> None:
    sequence = Sequence()
    assert [sequence.gap_before(entry) for entry in stream] == gaps
    assert sequence.missing == sum(gaps)


def test_the_sequence_remembers_a_bounded_number_of_instances() -> None:
    sequence = Sequence()
    for n in range(10_000):
        sequence.gap_before(line(1, str(n)))
    assert sequence.gap_before(line(9, "9999")) == 7
    assert sequence.gap_before(line(9, "0")) == 0
