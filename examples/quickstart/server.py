"""`dnspolicy serve` as a child process, its audit records in a file."""

from __future__ import annotations

import contextlib
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 20.0
"""Seconds to wait for the start, and for the end."""


class CannotStart(Exception):
    """The server ended, or said nothing for too long. Holds what it wrote."""


def command(*words: str) -> list[str]:
    """A command line of dnspolicy, run by this interpreter."""
    code = "import sys; from dnspolicy.cli.main import main; sys.exit(main())"
    return [sys.executable, "-c", code, *words]


@contextlib.contextmanager
def running(corefile: Path, port: int, audit: Path) -> Iterator[None]:
    """A server that is ready to answer, ended in good order. Raises CannotStart."""
    with audit.open("wb") as records:
        child = subprocess.Popen(
            command("serve", "--conf", str(corefile), "--port", str(port)),
            stdout=records,
            stderr=subprocess.PIPE,
            text=True,
        )
        lines: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=_read, args=(child, lines), daemon=True)
        reader.start()
        try:
            _await_ready(lines)
            yield
        finally:
            _end(child)
            reader.join()


def _end(child: subprocess.Popen[str]) -> None:
    child.terminate()
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _await_ready(lines: queue.Queue[str]) -> None:
    said: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while not said or not said[-1].endswith(" is ready"):
        try:
            line = lines.get(timeout=max(deadline - time.monotonic(), 0.0))
        except queue.Empty:
            line = ""
        if not line:
            raise CannotStart("\n".join(said) or "the server says nothing")
        said.append(line.rstrip("\n"))


def _read(child: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    """Pass on what the server says about itself; an empty line is its end."""
    assert child.stderr is not None
    with child.stderr as said:
        for line in said:
            lines.put(line)
    lines.put("")


def free_port(ip: str) -> int:
    """A port that is free for UDP and TCP just now."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind((ip, 0))
            port: int = tcp.getsockname()[1]
            with contextlib.suppress(OSError):
                udp.bind((ip, port))
                return port
