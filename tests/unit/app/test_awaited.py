"""Documents that come while an engine is yet to come, or is just coming."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from dnspolicy.app.supply.bundles.awaited import AwaitedEngine
from dnspolicy.engines.rego import Loaded, RegoEngine, load
from dnspolicy.engines.rego.samples import samples
from dnspolicy.model.errors import EngineUnavailable
from dnspolicy.policy.engine import DataPath
from tests.unit.engines.rego_folders import write

PATIENCE = 30.0
NAME: DataPath = ("site", "name")
RULE = 'decision := {"action": "allow", "rule": "r", "reason": data.site.name}'


@pytest.fixture
def policy(tmp_path: Path) -> Loaded:
    return load([write(tmp_path, {"policy.rego": RULE})], isolated=False, declared=(NAME,))


class Interrupted(RegoEngine):
    """While it is given its first documents, `meanwhile` come to whoever waits for it."""

    meanwhile: Mapping[DataPath, bytes | None] = {}
    awaited: AwaitedEngine

    async def feed(self, documents: Mapping[DataPath, bytes | None]) -> None:
        coming, self.meanwhile = self.meanwhile, {}
        await super().feed(documents)
        if coming:
            await self.awaited.feed(coming)


async def reason(engine: AwaitedEngine) -> str | None:
    verdict = await engine.decide(next(samples()), time.monotonic() + PATIENCE)
    return None if verdict is None else verdict.reason


def test_documents_wait_for_the_engine(policy: Loaded) -> None:
    async def story() -> None:
        awaited = AwaitedEngine("it is not here yet")
        await awaited.feed({NAME: b'"one"'})
        with pytest.raises(EngineUnavailable, match="it is not here yet"):
            await reason(awaited)
        await awaited.begin(RegoEngine(policy))
        assert await reason(awaited) == "one"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("meanwhile", "says"), [(b'"two"', "two"), (None, None)], ids=["another document", "it is taken away"]
)
def test_what_comes_while_the_engine_begins_is_not_lost(
    policy: Loaded, meanwhile: bytes | None, says: str | None
) -> None:
    async def story() -> None:
        awaited, engine = AwaitedEngine("it is not here yet"), Interrupted(policy)
        engine.awaited, engine.meanwhile = awaited, {NAME: meanwhile}
        await awaited.feed({NAME: b'"one"'})
        await awaited.begin(engine)
        assert await reason(awaited) == says

    asyncio.run(story())
