"""Decision points as the supply of a policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.grpc.engine import UNKNOWN, GrpcEngine
from dnspolicy.policy.engine import Changed, Engine
from dnspolicy.policy.settings.grpc import GrpcSettings


class GrpcSupply:
    """`locate` makes paths of the names of files. Raises ConfigError for certificates that cannot be used.

    That nobody is there is no error: the server starts, and what then follows is for the failure table to say.
    """

    def __init__(
        self,
        settings: GrpcSettings,
        locate: Callable[[str], Path],
        *,
        metrics: Metrics,
        monotonic: Callable[[], float],
    ) -> None:
        files = settings.files(locate)
        files.checked()
        targets = tuple(f"unix:{locate(t[5:])}" if t.startswith("unix:") else t for t in settings.targets)
        self._settings = settings
        self._engine = GrpcEngine(
            msgspec.structs.replace(settings, targets=targets), files, metrics=metrics, monotonic=monotonic
        )

    @property
    def engine(self) -> Engine:
        return self._engine

    def announcement(self) -> str:
        info = self._engine.info
        asked = ", ".join(self._settings.targets)
        if info is None:
            return f"policy of {asked} (grpc), not reached so far"
        return f"policy revision {info.revision or UNKNOWN} of {asked} (grpc, {info.engine})"

    def source_of(self, rule: str) -> str | None:
        return None

    async def settle(self) -> None:
        await self._engine.settle()

    async def start(self, changed: Changed) -> None:
        await self._engine.settle()
        self._engine.changed = changed

    async def stop(self) -> None:
        await self._engine.stop()
