"""What a decision point shows over HTTP: the pages of a server, about its engine."""

from __future__ import annotations

from dnspolicy.app.parts import Parts
from dnspolicy.chain.http import Address, Page, Route
from dnspolicy.plugins.prometheus import Config as MetricsConfig
from dnspolicy.plugins.prometheus import Prometheus
from dnspolicy.plugins.ready import Config as ReadyConfig
from dnspolicy.plugins.ready import Ready, Room
from dnspolicy.policy.engine import Awaited, Engine


class _Policy:
    """Ready when its engine has all it waits for."""

    name = "policy"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def not_ready(self) -> str | None:
        return self._engine.not_ready() if isinstance(self._engine, Awaited) else None


class Pages:
    """`/metrics`, `/health` and `/ready`. `start` raises ConfigError when the address cannot be listened on."""

    def __init__(self, address: Address, engine: Engine, parts: Parts) -> None:
        self._address = address
        self._listeners = parts.listeners
        room = Room(_Policy.name, _Policy(engine))
        self._ready = Ready(ReadyConfig(address=str(address)), listeners=parts.listeners, rooms=lambda: (room,))
        self._metrics = Prometheus(MetricsConfig(address=str(address)), tally=parts.tally, listeners=parts.listeners)
        self._health: Route | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before the start."""
        return self._health.port if self._health is not None else 0

    async def start(self) -> None:
        await self._metrics.start()
        await self._ready.start()
        self._health = await self._listeners.open(self._address, "/health", _healthy, owner="pdp")

    async def drain(self) -> None:
        """Be ready no more."""
        await self._ready.drain()

    async def stop(self) -> None:
        health, self._health = self._health, None
        if health is not None:
            await self._listeners.close(health)
        await self._ready.stop()
        await self._metrics.stop()


async def _healthy(accept: str) -> Page:
    return Page(200, b"OK")
