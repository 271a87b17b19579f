"""The audit file when the process is killed, and when the disk is full: real files, real processes."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path

import pytest

from dnspolicy.audit import record as rec
from dnspolicy.audit.reader import Sequence

WRITER = Path(__file__).with_name("audit_writer.py")
LIMIT = 60


def writer(file: Path, count: int, most: int = 0) -> subprocess.Popen[str]:
    words = [sys.executable, str(WRITER), str(file), str(count), *([str(most)] if most else [])]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read(file: Path) -> tuple[list[rec.Line], int]:
    """The records, and how many lines are none."""
    found, unreadable = [], 0
    for raw in file.read_bytes().splitlines():
        try:
            found.append(rec.decode(raw))
        except rec.BadRecord:
            unreadable += bool(raw)
    return found, unreadable


def wait_for_size(file: Path, size: int) -> None:
    until = time.monotonic() + LIMIT
    while not (file.exists() and file.stat().st_size > size):
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.parametrize("cut", [0, 7], ids=["as-it-falls", "within-a-line"])
def test_after_a_kill_the_next_server_goes_on_in_the_same_file(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "audit.jsonl"
    with writer(file, 0) as killed:
        wait_for_size(file, 100_000)
        killed.kill()
    with file.open("r+b") as torn:
        torn.truncate(file.stat().st_size - cut)
    with writer(file, 5) as after:
        assert after.wait(LIMIT) == 0
    found, unreadable = read(file)
    runs = [list(run) for _, run in groupby(found, key=lambda line: line.instance)]
    assert unreadable <= 1
    assert len(runs) == 2
    assert isinstance(runs[1][0], rec.StartRecord)
    assert runs[1][0].interrupted
    assert [line.seq for line in runs[0]] == list(range(1, len(runs[0]) + 1))
    assert [rec.kind(line) for line in runs[1]] == ["start", *["query"] * 5, "stop"]


def test_on_a_full_disk_records_wait_and_what_is_lost_is_announced(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    with writer(file, 1000, most=20_000) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert "cannot write to" in process.stdout.readline()
        process.stdin.write("room\n")
        process.stdin.flush()
        said = process.stdout.read()
        assert process.wait(LIMIT) == 0
    assert "works again" in said
    assert "left 0" in said
    found, unreadable = read(file)
    sequence = Sequence()
    assert sum(map(sequence.gap_before, found)) == 0
    lost = sum(line.count for line in found if isinstance(line, rec.LostRecord))
    assert unreadable == 0
    assert lost > 0
    assert sum(isinstance(line, rec.QueryRecord) for line in found) + lost == 1000
