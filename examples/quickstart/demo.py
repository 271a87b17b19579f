"""The demo: a server with a small cluster, about twenty-five questions, and what was recorded of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from dnspolicy.audit.reader import read_lines
from dnspolicy.audit.record import BadRecord, Line, QueryRecord, decode
from examples.quickstart import page
from examples.quickstart.client import ask
from examples.quickstart.questions import THEMES, Question
from examples.quickstart.server import CannotStart, command, free_port, running

IP = "127.0.0.1"
COREFILE = Path(__file__).with_name("Corefile")
EXPLAINED = ("acorn-prod/web-x2x7k", "metrics.acorn-prod.svc.cluster.local")
PROGRAM = "dnspolicy" if shutil.which("dnspolicy") else os.path.relpath(Path(sys.executable).with_name("dnspolicy"))
"""As one would type it here."""
PATIENCE = 10.0
"""Seconds to wait for the last audit record."""
Records = dict[tuple[str, int | None], QueryRecord]
"""By the address and the port that asked."""


def main() -> int:
    """0 when every question was answered and recorded."""
    console = page.console()
    with tempfile.TemporaryDirectory(prefix="dnspolicy-") as folder:
        audit = Path(folder, "audit.jsonl")
        port = free_port(IP)
        console.print(f"Starting dnspolicy on {IP}:{port} with {_shown(COREFILE)} …")
        try:
            rows = ask_all(port, audit)
        except CannotStart as problem:
            print(f"The server did not start:\n{problem}", file=sys.stderr)
            return 1
        except OSError as problem:
            print(f"{problem}\nThe pods of the demo have addresses in 127.0.0.0/8, as Linux has them.", file=sys.stderr)
            return 1
        _print_answers(console, rows)
        _print_tools(console, audit)
    _print_invitation(console)
    return 0 if all(row.response is not None and row.record is not None for row in rows.values()) else 1


def ask_all(port: int, audit: Path) -> dict[Question, page.Row]:
    """Start a server, ask everything, end it. Its records are in the file `audit` then. Raises CannotStart, OSError."""
    questions = [question for theme in THEMES for question in theme.questions]
    with running(COREFILE, port, audit):
        asked = {question: ask(question, (IP, port)) for question in questions}
        records = _await_records(audit, len(questions))
    return {
        question: page.Row(question, found.response, records.get((question.source, found.port)))
        for question, found in asked.items()
    }


def _await_records(audit: Path, count: int) -> Records:
    deadline = time.monotonic() + PATIENCE
    while len(records := _records(audit)) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return records


def _records(audit: Path) -> Records:
    with audit.open("rb") as file:
        found = [record for line in read_lines(file) if isinstance(record := _read(line), QueryRecord)]
    return {(record.client.ip, record.client.port): record for record in found}


def _read(line: bytes) -> Line | None:
    """A record; None for a line that is not yet written whole."""
    try:
        return decode(line)
    except BadRecord:
        return None


def _print_answers(console: Console, rows: Mapping[Question, page.Row]) -> None:
    for theme in THEMES:
        found = (rows[question] for question in theme.questions)
        page.theme(console, theme.title, found, header=theme is THEMES[0])


def _print_tools(console: Console, audit: Path) -> None:
    """What was recorded, and why one question went as it did, by the commands everybody has."""
    page.note(console, "All of this was recorded, in a file that goes when the demo ends:")
    page.command(console, f"{PROGRAM} observe audit.jsonl")
    _run(console, "observe", str(audit))
    client, name = EXPLAINED
    page.note(console, f"Why can't {client} resolve {name}?")
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
