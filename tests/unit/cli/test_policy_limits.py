"""Commands that read policies, given files that keep a parser busy, crash it, or never end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dnspolicy.chain.apart import environment
from tests.unit.engines.rego_folders import write

DEEP = "x := " + "[" * 900 + "\n" + ("[" * 900 + "\n") * 4 + "1" + ("]" * 900 + "\n") * 5
BUSY = "x := " + "[" * 500 + "1" + "]" * 500 + "\n"
LONG = "x := 1" + "\n\t+ 1" * 1_000 + "\n"
COMMANDS = {
    "lint": ("lint", "{}"),
    "test": ("test", "{}"),
    "cost": ("cost", "{}"),
    "bundle": ("bundle", "{}", "-o", "{}/made.tar.gz", "-e", "data.dnspolicy.decision"),
    "diff": ("diff", "{}", "{}", "--cluster", "examples/quickstart/cluster", "--all"),
    "replay": ("replay", "/dev/null", "--candidate", "{}"),
}
LATE = r"reading the file took longer than 2 s"
TOO_DEEP = r"needed more memory or depth than it may have \(2048 MiB\)"
NESTED = rf"({LATE}|reading the file {TOO_DEEP})"
"""Which limit is met first depends on the binding."""
CANNOT = {"diff": 2, "replay": 2}
PATIENCE = 120


CLOSED = {
    "explain": ("explain", "--conf", "examples/quickstart/Corefile", "--as", "acorn-prod/web-x2x7k", "a.example"),
    "cost": ("policy", "cost", "policies/lib", "policies/tenant-isolation"),
    "fmt": ("policy", "fmt", "policies/lib"),
    "version": ("version",),
}


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: a crash must not end the tests."""
    command = [sys.executable, "-c", "import sys; from dnspolicy.cli.main import main; sys.exit(main())", "policy"]
    given = [word.format(folder) for word in words]
    return subprocess.run(
        [*command, *given], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False,
        env=environment(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(DEEP, NESTED, id="deep"),
        pytest.param(BUSY, LATE, id="busy"),
        pytest.param(LONG, f"reading the rules {TOO_DEEP}", id="long"),
    ],
)
def test_lint_says_which_file_it_cannot_read(text: str, says: str, tmp_path: Path) -> None:
    done = run(write(tmp_path, {"good.rego": "y := 1\n", "nested.rego": text}), *COMMANDS["lint"])
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(f"{re.escape(str(tmp_path))}/nested.rego: {says}\n", done.stderr)


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_nested_brackets_end_with_a_message(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(write(tmp_path, {"nested.rego": DEEP}), *words)
    assert done.returncode == CANNOT.get(words[0], 1)
    assert done.stdout == ""
    assert re.fullmatch(f"{re.escape(str(tmp_path))}/nested.rego: {NESTED}\n", done.stderr)


@pytest.mark.parametrize("text", [DEEP, BUSY, LONG], ids=["deep", "busy", "long"])
def test_fmt_ends(text: str, tmp_path: Path) -> None:
    done = run(write(tmp_path, {"nested.rego": text}), "fmt", "{}")
    assert done.returncode == 0
    assert done.stdout.startswith("package dnspolicy\n")


@pytest.mark.parametrize("words", [*COMMANDS.values(), ("fmt", "{}")], ids=[*COMMANDS, "fmt"])
def test_a_pipe_is_not_waited_for(words: tuple[str, ...], tmp_path: Path) -> None:
    os.mkfifo(write(tmp_path, {"a.rego": "decision := 1\n"}) / "pipe.rego")
    done = run(tmp_path, *words)
    assert done.returncode == CANNOT.get(words[0], 1)
    assert f"{tmp_path}/pipe.rego: not a regular file\n" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(
            ("test", "--threshold", "x", "{}"), "--threshold: 'x' is not a number from 0 to 100", id="percent"
        ),
        pytest.param(("lint", "--large", "-5", "{}"), "--large: '-5' is not a whole number", id="large"),
        pytest.param(("replay", "-", "--top", "-1", "--candidate", "{}"), "--top: '-1' is not a whole", id="top"),
        pytest.param(("diff", "{}", "{}", "--most", "x", "--all"), "--most: 'x' is not a whole number", id="most"),
    ],
)
def test_options_say_what_they_expect(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.parametrize("words", [*COMMANDS.values(), ("fmt", "{}")], ids=[*COMMANDS, "fmt"])
def test_a_folder_without_policies_is_named(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == CANNOT.get(words[0], 1)
    assert done.stderr.startswith(f"{tmp_path}: no *.rego file")


@pytest.mark.parametrize("words", [*COMMANDS.values(), ("fmt", "{}")], ids=[*COMMANDS, "fmt"])
def test_a_folder_that_is_not_there_is_named_once(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(tmp_path / "missing", *words)
    assert done.returncode == CANNOT.get(words[0], 1)
    assert done.stderr.lower().startswith(f"{tmp_path}/missing: no such file or")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", CLOSED.values(), ids=CLOSED)
def test_nobody_reads_what_is_said(words: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", "import sys; from dnspolicy.cli.main import main; sys.exit(main())", *words]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False, env=environment()
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("word", ["explain", "cost", "version"])
def test_there_is_no_room_for_what_is_said(word: str) -> None:
    main = "import sys; from dnspolicy.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", main, *CLOSED[word]]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False, env=environment()
        )
    assert (done.returncode, done.stderr) == (2, "dnspolicy: [Errno 28] No space left on device\n")
