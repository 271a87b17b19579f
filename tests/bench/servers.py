"""Starting a server on its core, weighing it, stopping it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil
from dnslib import QTYPE, RCODE, DNSRecord

START_LIMIT = 20.0
"""Seconds for a server to give its first right answer."""


class Unusable(Exception):
    """A server cannot be measured; the text says why."""


@dataclass(frozen=True)
class Expected:
    """A question and its right answer: what is compared before anything is measured."""

    name: str
    rcode: str
    addresses: tuple[str, ...] = ()
    source: str = "127.0.1.1"


def ask(name: str, port: int, source: str) -> tuple[str, tuple[str, ...]]:
    """Response code and addresses. Raises OSError when nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.settimeout(0.5)
        sock.connect(("127.0.0.1", port))
        sock.send(DNSRecord.question(name).pack())
        reply = DNSRecord.parse(sock.recv(4096))
    addresses = sorted(str(record.rdata) for record in reply.rr if QTYPE.get(record.rtype) == "A")
    return RCODE.get(reply.header.rcode), tuple(addresses)


def free_port() -> int:
    """A port that is free for UDP and TCP on loopback."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Running:
    """A server process with its children, from `with` to its end."""

    def __init__(self, command: Sequence[str], port: int, core: int, log: Path) -> None:
        self.port = port
        self._command = command
        self._core = core
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Running:
        core = self._core
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def must_answer(self, expected: Sequence[Expected]) -> None:
        """Wait until every answer is right. Raises Unusable with what was wrong last."""
        until = time.monotonic() + START_LIMIT
        for one in expected:
            wrong = "no answer"
            while True:
                self._must_live()
                try:
                    got = ask(one.name, self.port, one.source)
                except OSError:
                    got = None
                if got == (one.rcode, one.addresses):
                    break
                wrong = f"answered {got}" if got else wrong
                if time.monotonic() > until:
                    raise Unusable(f"{one.name} as {one.source}: {wrong}, expected {(one.rcode, one.addresses)}")
                time.sleep(0.05)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def cpu_seconds(self) -> float:
        """User and system time of the process and its children so far."""
        return sum(t.user + t.system for t in (p.cpu_times() for p in self._all()))

    def resident_bytes(self) -> int:
        return sum(process.memory_info().rss for process in self._all())

    def _all(self) -> list[psutil.Process]:
        assert self._process is not None
        self._must_live()
        top = psutil.Process(self._process.pid)
        return [top, *top.children(recursive=True)]

    def _must_live(self) -> None:
        assert self._process is not None
        if self._process.poll() is not None:
            lines = self._log.read_text(errors="replace").strip().splitlines()
            raise Unusable(f"exited with {self._process.returncode}: {lines[-1] if lines else 'without a word'}")
