"""The room: builds the audit log from its configuration, starts and stops it."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dnspolicy.audit.log import AuditLog
from dnspolicy.audit.render import Renderer
from dnspolicy.audit.sinks import FileSink, StreamSink
from dnspolicy.audit.stream import Stream
from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Observer, Outcome
from dnspolicy.model.verdict import AuditLevel
from dnspolicy.plugins.audit.config import Config

STOP_LIMIT = 2.0
"""Seconds that writing what still waits may take at the end."""
_STDOUT = 1
_HERE = Path()


def to_stderr(line: str) -> None:
    """Write one line to standard error, as far as there is one."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


class _Nobody:
    """Observes nothing: level none."""

    every = False

    def seen(self, outcome: Outcome) -> None:
        """Nothing."""

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        """Nothing."""


class Audit:
    """Has an `observer` for the server to call. It answers nothing and is no part of the chain.

    `fold` is the window (seconds) in which the server is to fold repeats; 0 when each query is to be told. `write`
    takes a line for the server's own log (not for records) when writing begins to fail or works again. A relative file
    is below `folder`.
    """

    name = "audit"

    def __init__(
        self, config: Config, *, clock: Clock, metrics: Metrics, write: Callable[[str], object] = to_stderr,
        folder: Path = _HERE,
    ) -> None:  # fmt: skip
        self.config = config
        self.fold = float(config.fold)
        self._write = write
        self._log: AuditLog | None = None
        if config.level is not AuditLevel.NONE:
            sink = FileSink(folder / config.file, clock) if config.file else StreamSink(_STDOUT, "standard output")
            renderer = Renderer(config.level, secrets.token_hex(6), config.labels)
            stream = Stream(sink, renderer, clock=clock, metrics=metrics, tell=write)
            self._log = AuditLog(
                stream, metrics=metrics, every=not config.fold, capacity=config.capacity, fold=self.fold
            )
        self.observer: Observer = self._log or _Nobody()

    async def start(self) -> None:
        """Open the file and begin. Raises ConfigError when it cannot be opened and waiting does not help."""
        if self._log is not None:
            self._log.start(asyncio.get_running_loop())

    async def stop(self) -> None:
        """Write what waits, in at most two seconds, and end the stream. To be called when no query is answered."""
        if self._log is None:
            return
        left = await asyncio.to_thread(self._log.stop, STOP_LIMIT)
        if left:
            self._write(f"audit: {left} records could not be written before the end")
