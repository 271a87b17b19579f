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
from dnspolicy.audit.sinks import FileSink, Sink, StreamSink
from dnspolicy.audit.stream import Stream
from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.verdict import AuditLevel
from dnspolicy.plugins.audit.config import Config

STOP_LIMIT = 2.0
"""Seconds that writing what still waits may take at the end."""
_STDOUT = 1


def to_stderr(line: str) -> None:
    """Write one line to standard error, as far as there is one."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


class Audit:
    """Has an `observer` for the server to call; None at level none. It answers nothing and is no part of the chain.

    `fold` is the window (seconds) in which the server is to fold repeats; 0 when each query is to be told. `tell` takes
    a line for the server's own log when writing begins to fail or works again.
    """

    name = "audit"

    def __init__(
        self, config: Config, *, clock: Clock, metrics: Metrics, tell: Callable[[str], None] = to_stderr
    ) -> None:
        self.fold = float(config.fold)
        self._tell = tell
        self.observer: AuditLog | None = None
        if config.level is not AuditLevel.NONE:
            renderer = Renderer(config.level, secrets.token_hex(6), config.labels)
            stream = Stream(_sink(config, clock), renderer, clock=clock, metrics=metrics, tell=tell)
            self.observer = AuditLog(stream, metrics=metrics, every=not config.fold, capacity=config.capacity)

    async def start(self) -> None:
        """Open the file and begin. Raises ConfigError when it cannot be opened and waiting does not help."""
        if self.observer is not None:
            self.observer.start()

    async def stop(self) -> None:
        """Write what waits, in at most two seconds, and end the stream. To be called when no query is answered."""
        if self.observer is None:
            return
        left = await asyncio.to_thread(self.observer.stop, STOP_LIMIT)
        if left:
            self._tell(f"audit: {left} records could not be written before the end")


def _sink(config: Config, clock: Clock) -> Sink:
    return FileSink(Path(config.file), clock) if config.file else StreamSink(_STDOUT, "standard output")
