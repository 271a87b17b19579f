"""Lines that a thread writes, and what becomes of them when nobody reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dnspolicy.cli.output import Output, outputs

LINE = "x" * 999


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(writing)


def all_of(reading: int, end: bytes) -> list[str]:
    """What can be read up to a line."""
    found = b""
    while not found.endswith(end):
        found += os.read(reading, 65536)
    return found.decode().splitlines()


def overfill(output: Output) -> int:
    """Write far more than there is room for; how many lines were dropped."""
    dropped = 0
    for number in range(2000):
        try:
            output.write(f"{number} {LINE}")
        except BlockingIOError:
            dropped += 1
    return dropped


def test_lines_come_in_order(pipe: tuple[int, int]) -> None:
    output = Output(pipe[1], "standard output")
    for number in range(1000):
        output.write(str(number))
    output.close()
    assert all_of(pipe[0], b"\n999\n") == [str(number) for number in range(1000)]
    os.close(pipe[0])


def test_what_is_dropped_is_told_where_it_would_stand(pipe: tuple[int, int]) -> None:
    told: list[str] = []
    output = Output(pipe[1], "standard output", room=200_000, tell=told.append)
    dropped = overfill(output)
    assert told == ["[WARNING] standard output is not being read; lines are dropped"]
    numbers: list[int] = []
    gaps: list[int] = []
    while len(numbers) + sum(gaps) < 2000:
        for line in all_of(pipe[0], b"\n"):
            first, second, *_ = line.split()
            (gaps if first == "[WARNING]" else numbers).append(int(second if first == "[WARNING]" else first))
    assert numbers == sorted(numbers)
    assert sum(gaps) == dropped > 1000
    output.write("again")
    output.close()
    assert all_of(pipe[0], b"again\n") == ["again"]
    os.close(pipe[0])


def test_lines_without_a_reader_count_as_lost(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    output = Output(pipe[1], "standard output")
    for _ in range(3):
        output.write("line")
    output.close()
    assert (output.lost(), output.lost()) == (3, 0)


def test_the_end_does_not_wait_for_who_does_not_read(pipe: tuple[int, int]) -> None:
    output = Output(pipe[1], "standard output", room=200_000)
    overfill(output)
    output.close(0.1)
    with pytest.raises(ValueError, match="closed"):
        output.write("late")
    os.close(pipe[0])


def test_one_place_has_one_order(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as one, (tmp_path / "log").open("ab") as other:
        with outputs(one.fileno(), other.fileno()) as (out, err):
            for number in range(0, 100, 2):
                out.write(str(number))
                err.say(str(number + 1))
        assert (tmp_path / "log").read_text().split() == [str(number) for number in range(100)]


def test_two_places_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as one,
        (tmp_path / "errors").open("wb") as other,
        outputs(one.fileno(), other.fileno()) as (out, err),
    ):
        assert out is not err
