"""What judges and the rest of the server are told of a supply that changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.app.supply import Engines, build
from dnspolicy.chain.clock import SystemClock
from dnspolicy.model.answer import NOTHING, Dependencies, Rests
from dnspolicy.plugins.policy import Config, Judge
from dnspolicy.policy.engine import Reach
from dnspolicy.testing.static import StaticEngine, StaticSupply

ALL: Dependencies = frozenset({(Rests.POLICY, "static")})
CLIENTS = "clients"


def ignore(_line: str) -> None:
    """What the server says is not looked at."""


class Site:
    """`told` is what the rest of the server was told: what moved, and `CLIENTS` when they are to be classed anew."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.engine = StaticEngine(None, revision="first")
        self.supply = StaticSupply(self.engine)
        self.engines = Engines(
            Parts(SystemClock(), ignore, ignore), self.told.append, lambda: self.told.append(CLIENTS)
        )

    def judge(self) -> Judge:
        return self.engines.judge(Config(rego=("rules",)), Plan((), Path("/"), ()))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Judge]:
        judge = self.judge()
        await self.engines.settle()
        await self.engines.start()
        try:
            yield judge
        finally:
            await self.engines.stop()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site()
    monkeypatch.setitem(build.SUPPLIES, "rego", lambda *_: made.supply)
    return made


@pytest.mark.parametrize(
    ("reach", "told"),
    [(Reach.EVERYBODY, [ALL, CLIENTS]), (Reach.NAMESPACES, [NOTHING, CLIENTS])],
    ids=["all that rests on the policy", "what others know stays"],
)
def test_a_change(site: Site, reach: Reach, told: list[object]) -> None:
    async def story() -> str:
        async with site.running() as judge:
            site.engine.swap(None, "second")
            site.supply.changed(reach)
            return judge.revision

    assert asyncio.run(story()) == "second"
    assert site.told == told


def test_a_change_before_the_start_is_taken_over(site: Site) -> None:
    async def story() -> str:
        judge = site.judge()
        await site.engines.settle()
        site.engine.swap(None, "second")
        await site.engines.start()
        return judge.revision

    assert asyncio.run(story()) == "second"
    assert site.told == [ALL, CLIENTS]


def test_nothing_is_told_when_nothing_changed(site: Site) -> None:
    async def story() -> None:
        async with site.running():
            await site.engines.settle()

    asyncio.run(story())
    assert site.told == []
