"""One decision point: connected as long as it is there, left alone for a while when it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.pauses import Pauses
from dnspolicy.corefile.credentials import Pem, PemFiles
from dnspolicy.engines.grpc.connection import Connection, Info, open_channel
from dnspolicy.engines.grpc.decode import Reply, Unreached, reply_of
from dnspolicy.model.errors import ConfigError, EngineBadReply, EngineError, EngineTimeout, EngineUnavailable
from dnspolicy.policy.failure import kind_of
from dnspolicy.policy.settings.grpc import GrpcSettings

log = logging.getLogger("dnspolicy.policy")
BACK_OFF = (0.1, 5.0)
"""Seconds that a decision point which failed is left alone: at first and at most."""
SILENCE = 0.2
"""Seconds without a decision before failures count: who answers some of many questions is busy, not gone."""
LINGER = 5.0
"""Seconds that a connection with old certificates is kept, in which all that it was asked must be answered."""


class Counts:
    """What is counted, by decision point."""

    def __init__(self, metrics: Metrics) -> None:
        by = ("target",)
        self.up = metrics.gauge("dnspolicy_grpc_up", "1 for a decision point that can be asked.", by)
        self.share = metrics.gauge(
            "dnspolicy_grpc_share", "1 for a decision point that questions go to, 0 for one that waits.", by
        )
        self.in_flight = metrics.gauge("dnspolicy_grpc_in_flight", "Decisions under way.", by)
        self.connects = metrics.counter("dnspolicy_grpc_connects_total", "Connections made.", by)
        self.asked = metrics.counter("dnspolicy_grpc_questions_total", "Questions put to a decision point.", by)
        self.batches = metrics.counter("dnspolicy_grpc_batches_total", "Batches sent.", by)
        self.strays = metrics.counter("dnspolicy_grpc_strays_total", "Answers that nobody waited for.", by)
        self.failures = metrics.counter(
            "dnspolicy_grpc_failures_total", "Questions without a usable answer.", ("target", "kind")
        )


class Target:
    """`changed` is called whenever `up` or `info` are no longer what they were.

    What fails `failures` times in a row without a success in between is left alone; then its health service and
    GetInfo are asked, and no question before these have answered.
    """

    def __init__(
        self,
        name: str,
        settings: GrpcSettings,
        files: PemFiles,
        counts: Counts,
        changed: Callable[[], None],
        monotonic: Callable[[], float],
    ) -> None:
        self.name = name
        self.info = Info()
        self._labels = (name,)
        self._settings = settings
        self._files = files
        self._counts = counts
        self._changed = changed
        self._connection: Connection | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._in_a_row = 0
        self._went_well = float("-inf")
        self._now = monotonic
        self._pauses = Pauses(*BACK_OFF)
        self._pem: Pem | None = None
        self._task: asyncio.Task[None] | None = None
        self.tried = asyncio.Event()
        self.problem = "not asked yet"

    @property
    def up(self) -> bool:
        """Whether it can be asked."""
        return self._connection is not None and not self._connection.lost.done()

    def begin(self) -> None:
        """Connect, and stay connected. `tried` is set when that worked or failed for the first time."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name=f"grpc {self.name}")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        for leaving in tuple(self._leaving):
            leaving.cancel()
        if self._leaving:
            await asyncio.wait(tuple(self._leaving))
        for gauge in (self._counts.up, self._counts.share, self._counts.in_flight):
            gauge.values.pop(self._labels, None)

    def measure(self, *, asked: bool) -> None:
        """Bring gauges up to date. `asked`: questions go to it, and not only when another one is gone."""
        self._counts.up.set(float(self.up), self._labels)
        self._counts.share.set(float(self.up and asked), self._labels)
        under_way = len(self._connection.asking) if self._connection is not None and self.up else 0
        self._counts.in_flight.set(float(under_way), self._labels)

    def doubt(self) -> None:
        """An answer named another revision than the one known here."""
        if self._connection is not None:
            self._connection.doubt()

    async def ask(self, body: bytes, seconds: float) -> Reply:
        """What it decides within so many seconds. Raises EngineError."""
        connection = self._connection
        if connection is None or connection.lost.done():
            raise Unreached(self.problem)
        self._counts.asked.inc(self._labels)
        revision = self.info.revision  # when it was asked; what is in force when it answers may be another
        try:
            response = await connection.asking.ask(body, seconds)
        except EngineError as problem:
            self._failed(problem, connection)
            raise
        self._in_a_row = 0
        self._went_well = self._now()
        self._pauses.reset()
        try:
            return reply_of(response, revision)
        except EngineError as problem:
            self._counts.failures.inc((self.name, kind_of(problem).value))
            raise

    def _failed(self, problem: EngineError, connection: Connection) -> None:
        self._counts.failures.inc((self.name, kind_of(problem).value))
        if isinstance(problem, EngineTimeout | Unreached | EngineBadReply):
            self._in_a_row += 1
            quiet = self._now() - self._went_well >= SILENCE
            if quiet and self._in_a_row >= self._settings.failures:
                connection.lose(EngineUnavailable(f"{self._in_a_row} questions in a row failed, the last: {problem}"))

    async def _keep(self) -> None:
        """Connect for ever. A connection that is lost is waited for, one with old certificates replaced."""
        try:
            while True:
                try:
                    await self._live()
                except (EngineError, ConfigError) as problem:
                    self._say(str(problem))
                self.tried.set()
                await asyncio.sleep(self._pauses.next())
        finally:
            await self._drop()

    async def _live(self) -> None:
        """From one connection to its loss. Raises EngineError when none can be had, ConfigError for certificates."""
        connection = await self._connect()
        self._say("")
        self.tried.set()
        while not connection.lost.done():
            await asyncio.wait((connection.lost,), timeout=float(self._settings.refresh))
            if not connection.lost.done() and await self._renewed():
                connection = await self._replace(connection)
        problem = connection.lost.result()
        await self._drop()
        raise problem

    async def _connect(self) -> Connection:
        checked = self.tried.is_set()
        if self._settings.secure:
            self._pem = await asyncio.to_thread(self._files.checked, self._pem)
        connection = Connection(
            open_channel(self.name, self._settings, self._pem),
            self._settings,
            told=self._told,
            stray=lambda: self._counts.strays.inc(self._labels),
            sent=lambda: self._counts.batches.inc(self._labels),
        )
        try:
            await connection.open(checked=checked)
        except BaseException:
            await connection.close()
            raise
        self._counts.connects.inc(self._labels)
        self._connection, self._in_a_row, self._went_well = connection, 0, self._now()
        self.info = connection.info
        self._changed()
        return connection

    async def _renewed(self) -> bool:
        """Whether there are other certificates, which can be used."""
        if not self._settings.secure:
            return False
        try:
            return await asyncio.to_thread(self._files.checked, self._pem) is not self._pem
        except ConfigError as problem:
            log.warning("the certificates in use stay: %s", problem)
            return False

    async def _replace(self, old: Connection) -> Connection:
        """Another connection with new certificates; the old one ends what it has begun."""
        try:
            new = await self._connect()
        except (EngineError, ConfigError) as problem:
            log.warning("decision point %s: the connection stays, as with new certificates %s", self.name, problem)
            return old
        leaving = asyncio.create_task(_leave(old), name="grpc leave")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        return new

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._changed()
            await connection.close()

    def _told(self) -> None:
        if self._connection is not None:
            self.info = self._connection.info
            self._changed()

    def _say(self, problem: str) -> None:
        """Log what is new about it."""
        before, self.problem = self.problem, problem
        if problem and problem != before:
            log.warning("decision point %s: %s", self.name, problem)
        elif before and not problem and self.tried.is_set():
            log.info("decision point %s is back", self.name)


async def _leave(connection: Connection) -> None:
    try:
        await asyncio.sleep(LINGER)
    finally:
        await connection.close()
