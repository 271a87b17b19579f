"""The demo: a server with a small cluster, about twenty-five questions, and what was recorded of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from dnspolicy.audit.reader import read_lines
from dnspolicy.audit.record import BadRecord, QueryRecord, decode
from examples.quickstart import page
from examples.quickstart.client import Asked, ask
from examples.quickstart.questions import THEMES, Question
from examples.quickstart.server import CannotStart, command, free_port, running

IP = "127.0.0.1"
COREFILE = Path(__file__).with_name("Corefile")
EXPLAINED = ("acorn-dev/web-q9w2m", "db.internal.example")
PROGRAM = "dnspolicy" if shutil.which("dnspolicy") else os.path.relpath(Path(sys.executable).with_name("dnspolicy"))
"""As one would type it here."""
PATIENCE = 10.0
"""Seconds to wait for the last audit record."""
Seen = tuple[Question, Asked]


def main() -> int:
    """0 when every question was asked and recorded."""
    console = page.console()
    with tempfile.TemporaryDirectory(prefix="dnspolicy-") as folder:
        audit = Path(folder, "audit.jsonl")
        try:
            seen = _ask_all(console, audit)
        except CannotStart as problem:
            print(f"The server did not start:\n{problem}", file=sys.stderr)
            return 1
        except OSError as problem:
            print(f"{problem}\nThe pods of the demo have addresses in 127.0.0.0/8, as Linux has them.", file=sys.stderr)
            return 1
        records = _records(audit)
        complete = _print_answers(console, seen, records)
        _print_tools(console, audit)
    _print_invitation(console)
    return 0 if complete else 1


def _ask_all(console: Console, audit: Path) -> list[Seen]:
    port = free_port(IP)
    console.print(f"Starting dnspolicy on {IP}:{port} with {_shown(COREFILE)} …")
    questions = [question for theme in THEMES for question in theme.questions]
    with running(COREFILE, port, audit):
        seen = [(question, ask(question, (IP, port))) for question in questions]
        _await_records(audit, len(seen))
    return seen


def _await_records(audit: Path, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(_records(audit)) < count and time.monotonic() < deadline:
        time.sleep(0.02)


def _records(audit: Path) -> dict[tuple[str, int | None], QueryRecord]:
    """The records of queries, by the address and port they came from."""
    with audit.open("rb") as file:
        found = [record for line in read_lines(file) if isinstance(record := _read(line), QueryRecord)]
    return {(record.client.ip, record.client.port): record for record in found}


def _read(line: bytes) -> object:
    try:
        return decode(line)
    except BadRecord:
        return None


def _print_answers(console: Console, seen: Iterable[Seen], records: dict[tuple[str, int | None], QueryRecord]) -> bool:
    rows = {
        question: page.Row(question, asked.response, records.get((question.source, asked.port)))
        for question, asked in seen
    }
    for theme in THEMES:
        found = (rows[question] for question in theme.questions)
        page.theme(console, theme.title, found, header=theme is THEMES[0])
    return all(row.response is not None and row.record is not None for row in rows.values())


def _print_tools(console: Console, audit: Path) -> None:
    """What was recorded, and how one question goes, by the commands everybody has."""
    page.command(console, f"{PROGRAM} observe audit.jsonl")
    _run(console, "observe", str(audit))
    client, name = EXPLAINED
    words = ("explain", "--conf", _shown(COREFILE), "--as", client, name)
    page.command(console, f"{PROGRAM} {' '.join(words)}")
    _run(console, *words)


def _run(console: Console, *words: str) -> None:
    console.file.flush()
    subprocess.run(command(*words), check=False, env=os.environ | {"COLUMNS": str(console.width)})


def _print_invitation(console: Console) -> None:
    page.note(console, "To play with it, keep the server running and watch what it records:")
    page.command(console, f"{PROGRAM} serve --conf {_shown(COREFILE)} --port 5353 | {PROGRAM} observe")
    page.note(console, "and ask as any pod of examples/quickstart/cluster, from another terminal:")
    page.command(console, f"dig -b 127.10.2.1 @{IP} -p 5353 db.internal.example")


def _shown(path: Path) -> str:
    """The path as one would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
