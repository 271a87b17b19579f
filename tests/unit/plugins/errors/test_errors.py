from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.model.answer import Answer, Drop, Reply
from dnspolicy.model.name import from_labels, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.errors import Config, Errors
from dnspolicy.plugins.errors.handler import MAX_LINES, MAX_TEXT, line
from dnspolicy.testing.clock import FakeClock

SERVFAIL = Answer(Rcode.SERVFAIL)


class Room:
    """An errors room with the lines it wrote and the calls it asked for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.clock = FakeClock()
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.metrics = Metrics()
        self.errors = Errors(
            Config(),
            write=self.lines.append,
            clock=self.clock,
            metrics=self.metrics,
            after=lambda seconds, call: self.later.append((self.clock.monotonic() + seconds, call)),
        )

    def fail(self, name: str = "a.test", text: str = "no upstream", times: int = 1) -> None:
        for _ in range(times):
            self.errors.seen(failed(name, text))

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        due = [call for at, call in self.later if at <= self.clock.monotonic()]
        self.later = [(at, call) for at, call in self.later if at > self.clock.monotonic()]
        for call in due:
            call()


def failed(name: str = "a.test", text: str = "no upstream", reply: Reply = SERVFAIL) -> Outcome:
    asked = from_text(name)
    return Outcome(Query(asked, 1, asked), reply, "192.0.2.1", 1, failure=text)


def test_a_failure_is_a_line() -> None:
    room = Room()
    room.fail("www.Example.org", "no upstream answered in time")
    assert room.lines == ["[ERROR] 2 www.example.org. A: no upstream answered in time\n"]


def test_answers_that_are_no_failures_are_not_told() -> None:
    room = Room()
    room.errors.seen(failed(text=""))
    assert room.lines == []


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(failed(".", "x"), "[ERROR] 2 . A: x", id="root"),
        pytest.param(failed(reply=Drop("x"), text="x"), "[ERROR] 2 a.test. A: x", id="dropped"),
        pytest.param(
            failed(text="a\nb\x1b[31m\u2028"), "[ERROR] 2 a.test. A: a\\nb\\x1b[31m\\u2028", id="control characters"
        ),
        pytest.param(failed(text="x" * 600), f"[ERROR] 2 a.test. A: {'x' * MAX_TEXT}…", id="long"),
    ],
)
def test_parts_of_the_line(seen: Outcome, expected: str) -> None:
    assert line(seen) == expected


def test_names_are_escaped() -> None:
    evil = from_labels([b"a\n\xff"])
    assert line(Outcome(Query(evil, 1, evil), SERVFAIL, "", 0, failure="x")) == "[ERROR] 2 a\\010\\255. A: x"


def test_like_failures_are_folded_and_told_after_a_second() -> None:
    room = Room()
    room.fail(times=40)
    room.fail("b.test")
    assert room.lines == ["[ERROR] 2 a.test. A: no upstream\n", "[ERROR] 2 b.test. A: no upstream\n"]
    room.pass_time(1.0)
    assert room.lines[2:] == ["[ERROR] 2 a.test. A: no upstream (39 more)\n"]


def test_nothing_is_awaited_when_nothing_is_folded() -> None:
    room = Room()
    room.fail()
    assert room.later == []


def test_a_new_second_starts_anew_and_loses_no_count() -> None:
    room = Room()
    room.fail(times=3)
    room.clock.advance(1.5)
    room.fail(times=2)
    room.pass_time(0.0)
    assert room.lines == [
        "[ERROR] 2 a.test. A: no upstream\n",
        "[ERROR] 2 a.test. A: no upstream (2 more)\n",
        "[ERROR] 2 a.test. A: no upstream\n",
    ]
    room.pass_time(1.0)
    assert room.lines[3:] == ["[ERROR] 2 a.test. A: no upstream (1 more)\n"]


def test_the_lines_of_a_second_are_bounded() -> None:
    room = Room()
    for number in range(MAX_LINES + 500):
        room.fail(f"n{number}.test")
    assert len(room.lines) == MAX_LINES
    room.pass_time(1.0)
    assert room.lines[MAX_LINES:] == ["[ERROR] 500 more queries failed in other ways\n"]


def test_stop_tells_the_rest() -> None:
    room = Room()
    room.fail(times=2)
    asyncio.run(room.errors.stop())
    asyncio.run(room.errors.stop())
    assert room.lines[1:] == ["[ERROR] 2 a.test. A: no upstream (1 more)\n"]


def test_a_line_that_is_not_taken_is_counted() -> None:
    def write(text: str) -> None:
        raise OSError(32, "broken pipe")

    metrics = Metrics()
    Errors(Config(), write=write, clock=FakeClock(), metrics=metrics).seen(failed())
    assert metrics.counter("dnspolicy_error_lines_lost_total", "").values == {(): 1.0}


def test_options_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "Corefile"
    path.write_text(". {\n errors all {\n  consolidate 5m x\n  stacktrace\n }\n}\n")
    complaints = Complaints()
    assert bind(load(path, {}).blocks[0].directives[0], Config, complaints) is None
    assert str(complaints).replace(f"{path}:", "").split("\n") == [
        '2:9: "all" is one word too many; expected errors',
        '3:3: unknown option "consolidate" of errors; expected nothing here',
        '4:3: unknown option "stacktrace" of errors; expected nothing here',
    ]
