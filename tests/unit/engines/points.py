"""The `grpc` engine before decision points that are made for tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.grpc import GrpcEngine, GrpcSupply
from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.input import PolicyInput
from dnspolicy.policy.settings.grpc import GrpcSettings
from dnspolicy.testing.pdp import DecisionPoint
from tests.unit.policy.questions import question

PATIENCE = 20.0
"""Seconds that anything may take."""


def allow(request: pb.CheckRequest) -> pb.CheckResponse:
    """Allows, and says what was asked."""
    return pb.CheckResponse(allow=pb.Allow(), rule="r", reason=request.query.name)


class Joined:
    """An engine that is connected. `changes` counts how often it said that it changed."""

    def __init__(self, settings: GrpcSettings) -> None:
        self.metrics = Metrics()
        self.supply = GrpcSupply(settings, Path, metrics=self.metrics, monotonic=time.monotonic)
        self.changes = 0

    @property
    def engine(self) -> GrpcEngine:
        engine = self.supply.engine
        assert isinstance(engine, GrpcEngine)
        return engine

    def count(self, name: str) -> float:
        """The sum of a metric over its labels."""
        return sum(sum(metric.values.values()) for metric in self.metrics.collect() if metric.name == name)  # type: ignore[attr-defined]

    def changed(self) -> None:
        self.changes += 1

    async def decide(self, seconds: float = PATIENCE, asked: PolicyInput | None = None) -> Verdict | None:
        return await self.engine.decide(asked or question(), time.monotonic() + seconds)


@asynccontextmanager
async def joined(*points: DecisionPoint, started: bool = True, **settings: object) -> AsyncIterator[Joined]:
    """The engine before these, which are started and stopped with it unless they are not `started`."""
    for point in points if started else ():
        await point.start()
    given = {"connect": 0.5, "refresh": 0.1, "failures": 3, **settings}
    found = Joined(GrpcSettings(targets=tuple(point.address for point in points), **given))  # type: ignore[arg-type]
    try:
        await found.supply.start(found.changed)
        yield found
    finally:
        await found.supply.stop()
        for point in points:
            await point.stop()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to hold; fails when that takes too long."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 what is waited for tells nobody
            await asyncio.sleep(0.005)
