"""Sending questions with dnsperf."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_COMPLETED = re.compile(r"Queries completed:\s+(\d+)")
_SENT = re.compile(r"Queries sent:\s+(\d+)")
_SECONDS = re.compile(r"Run time \(s\):\s+([\d.]+)")
_CODES = re.compile(r"([A-Z0-9]+) (\d+) \([\d.]+%\)")

OUTSTANDING = 50
"""Questions in flight per dnsperf."""
TOLERANCE = 0.01
"""Share of questions that may be lost or answered with another code."""


@dataclass(frozen=True)
class Stream:
    """One dnsperf: its questions and its address."""

    questions: Path
    source: str


@dataclass(frozen=True)
class Sent:
    """What came of it. `seconds` is the time the questions took; `other` counts codes that were not expected."""

    sent: int
    completed: int
    seconds: float
    other: int

    def plus(self, more: Sent) -> Sent:
        return Sent(
            self.sent + more.sent,
            self.completed + more.completed,
            self.seconds + more.seconds,
            self.other + more.other,
        )


NOTHING = Sent(0, 0, 0.0, 0)


def send(groups: Sequence[Sequence[Stream]], seconds: float, port: int, core: int, rcode: str) -> Sent:
    """Run the groups one after the other, the streams of a group at once, `seconds` in all.

    Two dnsperf at a time give the most load from one core; more of them cost each other more than they add.
    """
    total = NOTHING
    for group in groups:
        running = [_start(stream, seconds / len(groups), port, core) for stream in group]
        ended = [_read(process, rcode) for process in running]
        at_once = Sent(
            sum(one.sent for one in ended),
            sum(one.completed for one in ended),
            max(one.seconds for one in ended),
            sum(one.other for one in ended),
        )
        total = total.plus(at_once)
    return total


def _start(stream: Stream, seconds: float, port: int, core: int) -> subprocess.Popen[str]:
    command = [
        "dnsperf", "-s", "127.0.0.1", "-p", str(port), "-a", stream.source, "-d", str(stream.questions),
        "-l", f"{seconds:.3f}", "-c", "1", "-q", str(OUTSTANDING), "-t", "1",
    ]  # fmt: skip
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )


def _read(process: subprocess.Popen[str], rcode: str) -> Sent:
    text = process.communicate()[0]
    sent, completed, seconds = _SENT.search(text), _COMPLETED.search(text), _SECONDS.search(text)
    if process.returncode or not (sent and completed and seconds):
        raise RuntimeError(f"dnsperf failed:\n{text}")
    codes = next((line for line in text.splitlines() if "Response codes" in line), "")
    other = sum(int(count) for code, count in _CODES.findall(codes) if code != rcode)
    return Sent(int(sent[1]), int(completed[1]), float(seconds[1]), other)
