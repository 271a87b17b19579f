"""An `opa` engine on an event loop like the server's, for tests."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from dnspolicy.chain.metrics import Metrics
from dnspolicy.corefile.schema import Duration
from dnspolicy.engines.opa import Files, OpaSupply, Sources
from dnspolicy.model.errors import EngineError
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.input import PolicyInput
from dnspolicy.policy.settings.opa import Opa
from tests.unit.policy.questions import question

ALLOW = {"action": "allow", "rule": "r", "reason": "why"}
BLOCK = {"action": "block", "rule": "r", "reason": "why"}
PATIENCE = 20.0
T = TypeVar("T")


class Asking:
    """Use as a context. `counts` is how often the engine said that it changed."""

    def __init__(
        self,
        *urls: str,
        files: Files | None = None,
        folders: tuple[Path, ...] = (),
        pool: int = 32,
        hold: float = 2.0,
        reload: float = 0.02,
        server_name: str = "",
        documents: Mapping[tuple[str, ...], bool] | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.metrics = metrics or Metrics()
        self.changes = 0
        self.supply = OpaSupply(
            Opa(urls, pool=pool, hold=Duration(hold), server_name=server_name),
            Sources(files or Files(), folders, documents or {}, "test"),
            "data.dnspolicy.decision",
            reload=reload,
            metrics=self.metrics,
            monotonic=time.monotonic,
        )
        self.engine = self.supply.engine
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    def __enter__(self) -> Asking:
        self.run(self.supply.start(self._changed))
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.supply.stop())
        self._runner.close()

    def _changed(self) -> None:
        self.changes += 1

    def run(self, work: Coroutine[Any, Any, T], seconds: float = PATIENCE) -> T:
        return self._runner.run(asyncio.wait_for(work, seconds))

    def decide(self, seconds: float = PATIENCE, asked: PolicyInput | None = None) -> Verdict | None:
        return self.run(self.engine.decide(asked or question(), time.monotonic() + seconds))

    def eventually(self, seconds: float = 0.2) -> Verdict | None:
        """The first decision that comes."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self.decide(seconds)
            except EngineError:
                assert time.monotonic() < until

    def await_true(self, condition: Any) -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until
            self.run(asyncio.sleep(0.005))

    def count(self, name: str) -> dict[tuple[str, ...], float]:
        """The values of a metric, without addresses."""
        metric: Any = next(metric for metric in self.metrics.collect() if metric.name == name)
        found: Counter[tuple[str, ...]] = Counter()
        for labels, value in metric.values.items():
            found[tuple(labels[1:])] += value
        return dict(found)

    def gauge(self, name: str, address: str) -> float:
        metric: Any = next(metric for metric in self.metrics.collect() if metric.name == name)
        return float(metric.values[(address,)])


async def storm(asking: Asking, total: int, at_once: int, seconds: float) -> Counter[str]:
    """Ask `total` questions, so many at once: what came of them. Raises TimeoutError when one hangs."""
    outcomes: Counter[str] = Counter()
    left = total

    async def one() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            try:
                async with asyncio.timeout(PATIENCE):
                    found = await asking.engine.decide(question(), time.monotonic() + seconds)
                outcomes[found.action.value if found is not None else "undefined"] += 1
            except EngineError as problem:
                if "no time was left" not in str(problem):  # a machine so busy that nothing was asked
                    outcomes[type(problem).__name__] += 1
                await asyncio.sleep(0)

    await asyncio.gather(*(one() for _ in range(at_once)))
    return outcomes
