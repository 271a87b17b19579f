"""A policy from bundles, without a server around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dnspolicy.app.supply.bundles import BundleSupply, placed
from dnspolicy.app.supply.folders import PolicyFolders
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.corefile.schema import Duration
from dnspolicy.engines.rego import Loaded, load
from dnspolicy.engines.rego.opening import opened
from dnspolicy.engines.rego.samples import samples
from dnspolicy.model.errors import EngineUnavailable
from dnspolicy.policy.settings.bundle import BundleLine

PATIENCE = 30.0
NOT_YET = "not yet"
Declared = tuple[tuple[str, ...], ...]


def line(source: str | Path, **options: Any) -> BundleLine:
    """A line that is looked at far more often than a Corefile may say."""
    often = {"every": Duration(0.02), "timeout": Duration(10.0)} if "://" in str(source) else {}
    return BundleLine(source=str(source), **{**often, **options})


class Rig:
    """`changes` counts what the server is told. Nothing runs in processes of its own, which would take seconds."""

    def __init__(
        self,
        *lines: BundleLine,
        folders: tuple[Path, ...] = (),
        here: bool = True,
        keeps: bool = True,
        declared: Declared = (),
        metrics: Metrics | None = None,
    ) -> None:
        self.metrics = metrics or Metrics()
        self.changes = 0
        self.loads: Callable[..., Loaded] = partial(load, isolated=False)
        self.supply = BundleSupply(
            placed(lines, Path, opened),
            PolicyFolders(folders, "data.dnspolicy.decision", declared, self._load),
            reload=0.02, clock=SystemClock(), metrics=self.metrics, here=here, keeps=keeps,
        )  # fmt: skip

    def _load(self, *arguments: Any, **options: Any) -> Loaded:
        return self.loads(*arguments, **options)

    def value(self, name: str) -> dict[Any, float]:
        return next(dict(m.values) for m in self.metrics.collect() if m.name == name)  # type: ignore[attr-defined]

    @property
    def refused(self) -> float:
        return self.value("dnspolicy_policy_reload_failed_total")[()]

    async def reason(self) -> str:
        """What the policy says now."""
        try:
            verdict = await self.supply.engine.decide(next(samples()), asyncio.get_running_loop().time() + PATIENCE)
        except EngineUnavailable:
            return NOT_YET
        return verdict.reason if verdict is not None else ""

    async def comes_to(self, reason: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while await self.reason() != reason:  # noqa: ASYNC110 nobody tells a test
                await asyncio.sleep(0.01)

    def told(self) -> None:
        self.changes += 1


@asynccontextmanager
async def running(*lines: BundleLine, **options: Any) -> AsyncIterator[Rig]:
    rig = Rig(*lines, **options)
    try:
        await rig.supply.settle()
        await rig.supply.start(rig.told)
        yield rig
    finally:
        await rig.supply.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 nobody tells a test
            await asyncio.sleep(0.01)
