from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dnspolicy.cli import observe

COMMAND = (
    "import argparse, sys; from dnspolicy.cli import observe; p = argparse.ArgumentParser(prog='dnspolicy');"
    "observe.add_parser(p.add_subparsers()); a = p.parse_args(); sys.exit(a.run(a))"
)
LIMIT = 60


def record(seq: int, **fields: Any) -> dict[str, Any]:
    plain = {
        "type": "query", "version": 1, "instance": "i", "seq": seq, "time": f"2026-01-01T00:00:{seq:02d}.250000Z",
        "client": {"kind": "pod", "why": "x", "ip": "10.0.0.1", "namespace": "shop", "pod": f"web-{seq}"},
        "transport": "udp", "question": {"name": "api.example", "type": "A", "class": "IN"}, "verdict": "allow",
        "rule": "own", "reason": "same tenant", "mode": "enforce", "rcode": "NOERROR", "durations": {"total": 9},
    }  # fmt: skip
    return {**plain, **fields}


def lost(seq: int, count: int) -> dict[str, Any]:
    when = f"2026-01-01T00:00:{seq:02d}.000000Z"
    common = {"type": "lost", "version": 1, "instance": "i", "seq": seq, "time": when}
    return {**common, "count": count, "queries": count, "reason": "queue_full", "first": when, "last": when}


BLOCKED = record(2, verdict="block", **{"as": "nxdomain"}, rule="other", reason="of another tenant", rcode="NXDOMAIN")
WOULD = [{"verdict": "block", "rule": "next/strict", "reason": "soon", "name": "api.example", "phase": "query"}]
SHADOW = record(3, would=WOULD)
STREAM = [record(1), BLOCKED, SHADOW, record(4, type="repeat", count=12, first="2026-01-01T00:00:04.000000Z",
          last="2026-01-01T00:00:09.000000Z")]  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "audit.jsonl", *STREAM)


def write(path: Path, *records: dict[str, Any] | bytes) -> Path:
    path.write_bytes(b"".join(r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in records))
    return path


def run(*words: object) -> int:
    parser = argparse.ArgumentParser(prog="dnspolicy")
    observe.add_parser(parser.add_subparsers())
    args = parser.parse_args(["observe", *map(str, words)])
    status = args.run(args)
    assert isinstance(status, int)
    return status


def process(*words: object, **pipes: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", COMMAND, "observe", *map(str, words)], **pipes)


def pods(text: str) -> list[str]:
    """The last character of the pods shown."""
    return [line.split("shop/web-")[1][0] for line in text.splitlines() if "shop/web-" in line]


def test_compact_tells_who_what_verdict_rule_reason_and_response(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(file) == 0
    assert capsys.readouterr().out.splitlines() == [
        '2026-01-01T00:00:01.250Z shop/web-1 api.example A allow own "same tenant" NOERROR',
        '2026-01-01T00:00:02.250Z shop/web-2 api.example A block as nxdomain other "of another tenant" NXDOMAIN',
        '2026-01-01T00:00:03.250Z shop/web-3 api.example A allow own "same tenant" [would block: next/strict "soon"] '
        "NOERROR",
        '2026-01-01T00:00:04.250Z shop/web-4 api.example A allow own "same tenant" NOERROR ×12',  # noqa: RUF001
    ]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        pytest.param({"client": {"kind": "unknown", "why": "x", "ip": "10.9.9.9"}}, "unknown(10.9.9.9)", id="unknown"),
        pytest.param({"rcode": None, "dropped": "flood"}, "dropped", id="dropped"),
        pytest.param({"failure": "timeout"}, "failure: timeout", id="failure"),
        pytest.param({"origin": "default", "rule": "none"}, 'default:none "same tenant"', id="default-names-itself"),
        pytest.param({"verdict": "redirect", "to": ["192.0.2.1"]}, "redirect to 192.0.2.1", id="redirect"),
        pytest.param({"resolved": "b.example"}, "api.example A (as b.example)", id="resolved"),
        pytest.param(
            {"answers": [{"name": "a", "type": "A", "ttl": 1, "data": f"10.0.0.{n}"} for n in range(10)]},
            "10.0.0.7 and 2 more", id="answers",
        ),
        pytest.param({"mode": "shadow", "would": WOULD}, "A allow [would block", id="shadow-rule-is-not-the-decider"),
    ],
)  # fmt: skip
def test_compact_shows(fields: dict[str, Any], shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(write(tmp_path / "a", record(1, **fields)))
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        pytest.param(["--verdict", "block"], "2", id="verdict"),
        pytest.param(["--not", "--verdict", "block"], "134", id="not"),
        pytest.param(["--not", "--verdict", "block", "--pod", "web-[12]"], "1", id="not-concerns-the-next-only"),
        pytest.param(["--verdict", "block", "--verdict", "allow"], "1234", id="or"),
        pytest.param(["--verdict", "allow", "--would", "block"], "3", id="and"),
        pytest.param(["--last", "2"], "34", id="last"),
        pytest.param(["--first", "2"], "12", id="first"),
        pytest.param(["--verdict", "allow", "--last", "2"], "34", id="last-of-what-matches"),
        pytest.param(["--since", "2026-01-01T00:00:03Z"], "34", id="since"),
        pytest.param(["--until", "2026-01-01T00:00:03Z"], "12", id="until"),
        pytest.param(["--name", "*.example", "--name", "api.*"], "1234", id="names"),
        pytest.param(["--namespace", "other"], "", id="nothing"),
    ],
)
def test_filters(words: list[str], shown: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, *words) == 0
    assert pods(capsys.readouterr().out) == list(shown)


def test_json_shows_the_records_as_they_were(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(file, "-o", "json")
    assert capsys.readouterr().out == file.read_text()


def test_json_keeps_keys_of_later_releases_and_escapes_what_does_not_print(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = json.dumps(record(1, reason="\x9b2J\u202e", later={"a": 1}), ensure_ascii=False).replace(",", ",\t")
    run(write(tmp_path / "a", odd.encode() + b"\r\n"), "-o", "json")
    out = capsys.readouterr().out
    assert out.removesuffix("\n").isprintable()
    assert json.loads(out) == json.loads(odd)


def test_the_table_has_a_row_for_each_record(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(file, "-o", "table")
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["TIME", "CLIENT", "QUESTION", "VERDICT", "RULE", "REASON", "RCODE", "ANSWERS", "COUNT"]
    assert [row.split()[-1] for row in rows] == ["1", "1", "1", "12"]
    assert "block as nxdomain" in rows[1]


@pytest.mark.parametrize("output", ["compact", "table", "json"])
def test_nothing_of_a_record_reaches_the_terminal_raw(
    output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nasty = "\x1b]0;owned\x07\x9b2J\u202e\u2066[red]\r\n\x00\x7f"
    client = {"kind": "pod", "why": nasty, "ip": nasty, "namespace": nasty, "pod": nasty}
    entry = record(
        1, client=client, reason=nasty, rule=nasty, rcode=nasty, failure=nasty, to=[nasty], resolved=nasty,
        question={"name": nasty, "type": nasty, "class": nasty}, would=[{**WOULD[0], "rule": nasty, "reason": nasty}],
        answers=[{"name": nasty, "type": "TXT", "ttl": 1, "data": nasty}],
    )  # fmt: skip
    start = {**{k: record(2)[k] for k in ("version", "seq", "time")}, "type": "start", "instance": nasty,
             "program": nasty, "level": "full"}  # fmt: skip
    run(write(tmp_path / "a", entry, start), "-o", output, "--color", "never")
    out = capsys.readouterr().out
    assert "owned" in out
    assert all(line.isprintable() for line in out.splitlines())


@pytest.mark.parametrize("output", ["compact", "table"])
def test_lost_and_missing_records_are_loud_whatever_the_filters(
    output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a", record(1), lost(7, 5), record(10), record(11))
    assert run(path, "--verdict", "block", "-o", output) == 0
    shown = capsys.readouterr()
    assert "5 RECORDS LOST" in shown.out
    assert "2 RECORDS MISSING" in shown.out
    assert "2 records are missing" in shown.err


def test_an_interrupted_stream_is_loud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = {"type": "start", "version": 1, "instance": "j", "seq": 1, "time": "2026-01-01T00:00:00.000000Z"}
    run(write(tmp_path / "a", {**start, "program": "dnspolicy 1", "level": "full", "interrupted": True}))
    assert "ended without a stop" in capsys.readouterr().out


def test_broken_lines_are_left_out_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a", b"[INFO] hello\n", record(1), b'{"type":"que\n', b"\xff\xfe\n", record(2), b'{"cut":')
    assert run(path) == 0
    shown = capsys.readouterr()
    assert pods(shown.out) == ["1", "2"]
    assert shown.err == "dnspolicy observe: left out 4 of 6 lines: no audit records\n"


@pytest.mark.parametrize(
    ("color", "no_color", "coloured"),
    [("auto", "", False), ("always", "", True), ("never", "", False), ("auto", "1", False)],
    ids=["pipe", "always", "never", "no-color"],
)
@pytest.mark.parametrize("output", ["compact", "table"])
def test_colours(
    output: str, color: str, no_color: str, coloured: bool, file: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("NO_COLOR", no_color)
    run(file, "-o", output, "--color", color)
    assert ("\x1b[" in capsys.readouterr().out) is coloured


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["terminal", "no-color", "dumb"],
)
def test_colours_on_a_terminal(environment: dict[str, str], coloured: bool, file: Path) -> None:
    main, end = os.openpty()
    environment = {**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **environment}
    with process(file, "--first", 1, stdout=end, env=environment) as shown:
        os.close(end)
        out = os.read(main, 4096)
        assert shown.wait(LIMIT) == 0
    os.close(main)
    assert b"shop/web-1" in out
    assert (b"\x1b[" in out) is coloured


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--verdict", "deny"], "argument --verdict: 'deny' is not a verdict; expected allow", id="value"),
        pytest.param(["--since", "noon"], "argument --since: 'noon' is not a time", id="time"),
        pytest.param(["--last", "0"], "argument --last: '0' is not a number", id="count"),
        pytest.param(["--not", "--not", "--type", "A"], "--not: given twice", id="not-not"),
        pytest.param(["--first", "1", "--last", "1"], "not allowed with", id="first-and-last"),
        pytest.param(["-o", "xml"], "invalid choice", id="output"),
        pytest.param(["--verdic", "block"], "unrecognized arguments", id="abbreviation"),
    ],
)
def test_words_that_mean_nothing(words: list[str], said: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(file, *words)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--not"], "--not needs a filter behind it", id="not-at-the-end"),
        pytest.param(["-f", "-o", "table"], "a table needs an end", id="table-without-end"),
    ],
)
def test_words_that_do_not_go_together(
    words: list[str], said: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(file, *words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("follow", [[], ["-f"]], ids=["once", "follow"])
def test_a_file_that_cannot_be_read(follow: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none", *follow) == 2
    assert capsys.readouterr().err == f"dnspolicy observe: cannot read {tmp_path / 'none'}: No such file or directory\n"


@pytest.mark.parametrize("words", [[], ["-"]], ids=["nothing", "dash"])
def test_records_from_standard_input(words: list[str], file: Path) -> None:
    with file.open("rb") as piped, process(*words, "--last", 1, stdin=piped, stdout=subprocess.PIPE) as shown:
        out, _ = shown.communicate(timeout=LIMIT)
    assert (shown.returncode, pods(out.decode())) == (0, ["4"])


@pytest.mark.parametrize("count", [1, 5000], ids=["before-all", "midway"])
@pytest.mark.parametrize("output", ["compact", "table", "json"])
def test_a_reader_that_goes_away_ends_it_quietly(output: str, count: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a", *[record(1)] * count)
    reading, writing = os.pipe()
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    with process(path, "-o", output, stdout=writing, stderr=subprocess.PIPE, env=buffered) as shown:
        os.close(writing)
        if count > 1:
            os.read(reading, 1)
        os.close(reading)
        assert shown.stderr is not None
        assert shown.wait(LIMIT) == 0
        assert shown.stderr.read() == b""


def test_following_shows_what_comes_and_ctrl_c_ends_it_quietly(file: Path) -> None:
    with process("-f", file, "--last", 1, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as shown:
        assert shown.stdout is not None
        assert shown.stderr is not None
        assert pods(shown.stdout.readline().decode()) == ["4"]
        with file.open("a") as more:
            more.write(json.dumps(record(5)) + "\n")
        assert pods(shown.stdout.readline().decode()) == ["5"]
        shown.send_signal(signal.SIGINT)
        assert shown.wait(LIMIT) == 0
        assert shown.stderr.read() == b""


def test_following_ends_after_the_first_records(file: Path) -> None:
    with process("-f", file, "--first", 5, stdout=subprocess.PIPE) as shown:
        assert shown.stdout is not None
        for _ in range(4):
            shown.stdout.readline()
        with file.open("a") as more:
            more.write(json.dumps(record(5)) + "\n")
        assert pods(shown.stdout.read().decode()) == ["5"]
        assert shown.wait(LIMIT) == 0


def test_a_terminal_without_unicode_gets_escapes(file: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    with process(file, "--last", 1, stdout=subprocess.PIPE, env=environment) as shown:
        out, _ = shown.communicate(timeout=LIMIT)
    assert shown.returncode == 0
    assert out.isascii()


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run("--help")
    assert caught.value.code == 0
    assert "examples:" in capsys.readouterr().out
