"""The installed command, as an operator runs it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import dns.message
import dns.query

COMMAND = str(Path(sys.executable).parent / "dnspolicy")
PATIENCE = 20.0
"""Seconds that anything may take."""
SERVED = (10_000, 30_000)
"""Ports of servers: below those that Linux gives to outgoing connections (32768 and more)."""
T = TypeVar("T")


def run(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [COMMAND, *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=_environment(),
    )


def own_ip() -> str:
    """A loopback address that nobody else is likely to use."""
    return f"127.{random.randint(100, 250)}.{random.randint(0, 250)}.{random.randint(1, 250)}"


def free_port(ip: str) -> int:
    """A port that is free just now for UDP and TCP, and that no outgoing connection is given meanwhile."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    while True:
        port = random.randint(*SERVED)
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as tcp:
            tcp.bind((ip, port))
            with socket.socket(family, socket.SOCK_DGRAM) as udp:
                udp.bind((ip, port))
                return port


class Server:
    """`dnspolicy serve`, ready to answer. What it says on standard error is in `said`.

    `command` and `env` are another way to start it, and more of its environment.
    """

    def __init__(
        self, *words: str, command: Sequence[str] = (COMMAND, "serve"), env: Mapping[str, str] | None = None
    ) -> None:
        self.said: list[str] = []
        self.child = subprocess.Popen(
            [*command, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment() | dict(env or {}),
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.child.stderr is not None
        for line in self.child.stderr:
            self.said.append(line.rstrip("\n"))

    def await_line(self, part: str) -> str:
        """The first line that holds a text."""

        def found() -> str:
            line = next((line for line in list(self.said) if part in line), "")
            assert line or self.child.poll() is None, f"the server ended: {self.said}"
            return line

        return eventually(found)

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self.child.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """SIGKILL: no last words."""
        self.child.kill()
        self.wait()

    def wait(self) -> int:
        """Its exit code. Its pipes are closed; once more does no harm."""
        code = self.child.wait(PATIENCE)
        self._listener.join(PATIENCE)
        for stream in (self.child.stdout, self.child.stderr):
            assert stream is not None
            stream.close()
        return code


READY, NOT_READY = " is ready", " is not ready yet: "


@contextlib.contextmanager
def serving(corefile: Path, *words: str, says: str = READY) -> Iterator[Server]:
    """A server that has said that it is ready, or something else; killed if the test did not end it."""
    server = Server("--conf", str(corefile), *words)
    try:
        server.await_line(says)
        yield server
    finally:
        server.kill()


def ask(
    server: tuple[str, int], name: str, kind: str = "A", *, source: str | None = None, tcp: bool = False
) -> dns.message.Message:
    """One question, one reply; extended errors are asked for."""
    query = dns.message.make_query(name, kind, use_edns=0)
    send = dns.query.tcp if tcp else dns.query.udp
    return send(query, server[0], port=server[1], source=source, timeout=PATIENCE)


def answers(reply: dns.message.Message) -> list[str]:
    """The data of the answer section."""
    return [rdata.to_text() for rrset in reply.answer for rdata in rrset]


def get(url: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, problem.read().decode()


def eventually(found: Callable[[], T]) -> T:
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (result := found()):
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)
    return result


def _environment() -> dict[str, str]:
    return os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}
