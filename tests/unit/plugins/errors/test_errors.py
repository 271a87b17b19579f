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
from dnspolicy.corefile.schema import Duration
from dnspolicy.model.answer import Answer, Drop, Reply
from dnspolicy.model.name import from_labels, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.errors import Config, Errors
from dnspolicy.plugins.errors.config import Consolidate, First, Level
from dnspolicy.plugins.errors.handler import MAX_LINES, MAX_TEXT, line
from dnspolicy.plugins.errors.pattern import span
from dnspolicy.testing.clock import FakeClock

SERVFAIL = Answer(Rcode.SERVFAIL)


class Room:
    """An errors room with the lines it wrote and the calls it asked for."""

    def __init__(self, config: Config | None = None, debug: bool = False) -> None:
        self.lines: list[str] = []
        self.clock = FakeClock()
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.metrics = Metrics()
        self.errors = Errors(
            config or Config(),
            write=self.lines.append,
            clock=self.clock,
            metrics=self.metrics,
            after=lambda seconds, call: self.later.append((self.clock.monotonic() + seconds, call)),
            debug=debug,
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
    assert room.lines == ["[ERROR] plugin/errors: 2 www.example.org. A: no upstream answered in time"]


def test_answers_that_are_no_failures_are_not_told() -> None:
    room = Room()
    room.errors.seen(failed(text=""))
    assert room.lines == []


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(failed(".", "x"), "2 . A: x", id="root"),
        pytest.param(failed(reply=Drop("x"), text="x"), "2 a.test. A: x", id="dropped"),
        pytest.param(failed(text="a\nb\x1b[31m\u2028"), "2 a.test. A: a\\nb\\x1b[31m\\u2028", id="control characters"),
        pytest.param(failed(text="x" * 600), f"2 a.test. A: {'x' * (MAX_TEXT - 1)}…", id="long"),
    ],
)
def test_parts_of_the_line(seen: Outcome, expected: str) -> None:
    assert line(seen) == expected


def test_names_are_escaped() -> None:
    evil = from_labels([b"a\n\xff"])
    assert line(Outcome(Query(evil, 1, evil), SERVFAIL, "", 0, failure="x")) == "2 a\\010\\255. A: x"


def test_like_failures_are_folded_and_told_after_a_second() -> None:
    room = Room()
    room.fail(times=40)
    room.fail("b.test")
    assert room.lines == [
        "[ERROR] plugin/errors: 2 a.test. A: no upstream",
        "[ERROR] plugin/errors: 2 b.test. A: no upstream",
    ]
    room.pass_time(1.0)
    assert room.lines[2:] == ["[ERROR] plugin/errors: 2 a.test. A: no upstream (39 more)"]


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
        "[ERROR] plugin/errors: 2 a.test. A: no upstream",
        "[ERROR] plugin/errors: 2 a.test. A: no upstream (2 more)",
        "[ERROR] plugin/errors: 2 a.test. A: no upstream",
    ]
    room.pass_time(1.0)
    assert room.lines[3:] == ["[ERROR] plugin/errors: 2 a.test. A: no upstream (1 more)"]


def test_the_lines_of_a_second_are_bounded() -> None:
    room = Room()
    for number in range(MAX_LINES + 500):
        room.fail(f"n{number}.test")
    assert len(room.lines) == MAX_LINES
    room.pass_time(1.0)
    assert room.lines[MAX_LINES:] == ["[ERROR] plugin/errors: 500 more queries failed in other ways"]


def test_stop_tells_the_rest() -> None:
    room = Room()
    room.fail(times=2)
    asyncio.run(room.errors.stop())
    asyncio.run(room.errors.stop())
    assert room.lines[1:] == ["[ERROR] plugin/errors: 2 a.test. A: no upstream (1 more)"]


def test_a_line_that_is_not_taken_is_counted() -> None:
    def write(text: str) -> None:
        raise OSError(32, "broken pipe")

    metrics = Metrics()
    Errors(Config(), write=write, clock=FakeClock(), metrics=metrics).seen(failed())
    assert metrics.counter("dnspolicy_error_lines_lost_total", "").values == {(): 1.0}


def test_with_stacktrace_a_text_is_longer() -> None:
    room = Room(Config(stacktrace=True))
    room.fail(text="x" * 600)
    assert room.lines == [f"[ERROR] plugin/errors: 2 a.test. A: {'x' * 600}"]


def together(*words: object) -> Consolidate:
    """`30s TEXT [LEVEL] [show_first]`."""
    return Consolidate(Duration(30.0), *words)


SILENT = together("no answer$")


def test_failures_that_match_are_told_as_a_number() -> None:
    room = Room(Config(consolidate=(SILENT,)))
    for name in ("a.test", "b.test", "c.test"):
        room.fail(name, "there was no answer")
    room.fail("d.test", "no answer at all")
    assert room.lines == ["[ERROR] plugin/errors: 2 d.test. A: no answer at all"]
    room.pass_time(30.0)
    assert room.lines[1:] == ["[ERROR] plugin/errors: 3 errors like 'no answer$' occurred in last 30s"]
    room.pass_time(30.0)
    assert len(room.lines) == 2


def test_the_time_begins_with_the_first_failure_each_time() -> None:
    room = Room(Config(consolidate=(SILENT,)))
    room.fail(text="no answer", times=2)
    room.pass_time(30.0)
    room.fail(text="no answer")
    room.pass_time(29.0)
    assert len(room.lines) == 1
    room.pass_time(1.0)
    assert room.lines[1:] == ["[ERROR] plugin/errors: 1 errors like 'no answer$' occurred in last 30s"]


@pytest.mark.parametrize(("times", "more"), [(1, 0), (3, 1)], ids=["one", "several"])
def test_the_first_one_can_be_shown(times: int, more: int) -> None:
    room = Room(Config(consolidate=(together("no", Level.WARNING, First.SHOW_FIRST),)))
    room.fail(times=times)
    assert room.lines == ["[WARNING] plugin/errors: 2 a.test. A: no upstream"]
    room.pass_time(30.0)
    assert room.lines[1:] == ["[WARNING] plugin/errors: 3 errors like 'no' occurred in last 30s"] * more


def test_of_several_patterns_the_first_that_matches_counts() -> None:
    room = Room(Config(consolidate=(together("upstream", Level.INFO), together("no"))))
    room.fail(text="no upstream")
    room.fail(text="no idea")
    room.pass_time(30.0)
    assert room.lines == [
        "[INFO] plugin/errors: 1 errors like 'upstream' occurred in last 30s",
        "[ERROR] plugin/errors: 1 errors like 'no' occurred in last 30s",
    ]


@pytest.mark.parametrize("debug", [False, True])
def test_lines_for_debugging_are_written_in_debug_alone(debug: bool) -> None:
    room = Room(Config(consolidate=(together("no", Level.DEBUG),)), debug)
    room.fail()
    room.pass_time(30.0)
    assert room.lines == ["[DEBUG] plugin/errors: 1 errors like 'no' occurred in last 30s"] * debug


def test_stop_tells_what_was_counted() -> None:
    room = Room(Config(consolidate=(SILENT,)))
    room.fail(text="no answer", times=2)
    asyncio.run(room.errors.stop())
    room.pass_time(30.0)
    assert room.lines == ["[ERROR] plugin/errors: 2 errors like 'no answer$' occurred in last 30s"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "500ms"), (30, "30s"), (60, "1m0s"), (90, "1m30s"), (1.5, "1.5s"), (7200, "2h0m0s"), (3661, "1h1m1s")],
)
def test_times_are_written_as_go_does(seconds: float, text: str) -> None:
    assert span(seconds) == text


def bound(lines: str, tmp_path: Path) -> tuple[Config | None, list[str]]:
    path = tmp_path / "Corefile"
    path.write_text(f". {{\n errors {lines}\n}}\n")
    complaints = Complaints()
    made = bind(load(path, {}).blocks[0].directives[0], Config, complaints)
    return made, str(complaints).replace(f"{path}:", "").split("\n")


def test_options(tmp_path: Path) -> None:
    lines = 'stdout {\n consolidate 5m ".* timeout$" warning show_first\n consolidate 30s x show_first\n stacktrace\n}'
    made, _ = bound(lines, tmp_path)
    assert made == Config(
        consolidate=(
            Consolidate(Duration(300.0), ".* timeout$", Level.WARNING, First.SHOW_FIRST),
            Consolidate(Duration(30.0), "x", Level.ERROR, First.SHOW_FIRST),
        ),
        stacktrace=True,
    )


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        pytest.param("all", '"all" is not right for target; expected stdout', id="word"),
        pytest.param("{\n consolidate 5m\n}", "consolidate lacks REGEXP", id="no pattern"),
        pytest.param('{\n consolidate 5m "("\n}', "'(' is not a regular expression", id="no regular expression"),
        pytest.param("{\n consolidate never x\n}", '"never" is not right for duration', id="duration"),
        pytest.param("{\n consolidate 5m x loud\n}", '"loud" is not right for level', id="level"),
        pytest.param("{\n consolidate 5m x show_first error\n}", '"error" is one word too many', id="order"),
    ],
)
def test_complaints(lines: str, wrong: str, tmp_path: Path) -> None:
    made, complaints = bound(lines, tmp_path)
    assert made is None
    assert wrong in complaints[0]
