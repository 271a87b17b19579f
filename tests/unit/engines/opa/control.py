"""A real OPA on a Unix socket, started, stopped and asked."""

from __future__ import annotations

import http.client
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.stopping import stand_still

PATIENCE = 20.0
"""Seconds that anything may take."""


class Control:
    """The socket lies in a folder of its own, as the path of one may not be long. `words` go to `opa run`."""

    def __init__(self, program: Path, folder: Path, words: Sequence[str] = ()) -> None:
        self._program = program
        self._words = words
        self._log = folder / "opa.log"
        self._folder = Path(tempfile.mkdtemp(prefix="opa"))
        self._child: subprocess.Popen[bytes] | None = None
        self.socket = self._folder / "opa.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def is_running(self) -> bool:
        return self._child is not None

    def start(self) -> None:
        """Start it, unless it runs, and wait until it is well."""
        if self._child is not None:
            return
        self.socket.unlink(missing_ok=True)
        command = [self._program, "run", "--server", "--addr", self.url, "--log-level", "error", *self._words]
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError, http.client.HTTPException):
                if self.ask("GET", "/health")[0] == 200:
                    return
            assert self._child.poll() is None, self._log.read_text()
            assert time.monotonic() < until
            time.sleep(0.02)

    def stop(self) -> None:
        """SIGKILL; once more does no harm."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait(PATIENCE)

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._child is not None:
            self._child.send_signal(number)

    def stand_still(self) -> None:
        """Stop its threads, if it runs."""
        if self._child is not None:
            stand_still(self._child.pid)

    def ask(self, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body. Raises OSError and HTTPException."""
        connection = _Unix(self.socket)
        try:
            connection.request(method, target, body)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
