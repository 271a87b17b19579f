"""An embedded engine whose policy may be yet to come."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any

from dnspolicy.engines.rego import RegoEngine
from dnspolicy.model.errors import EngineUnavailable
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.engine import DataPath
from dnspolicy.policy.footprint import EVERYTHING, Footprint
from dnspolicy.policy.input import PolicyInput

NOTHING_YET = "none"


class AwaitedEngine:
    """Unavailable until it has an engine; then that engine. `missing` says what is waited for."""

    name = "rego"

    def __init__(self, missing: str) -> None:
        self._missing = missing
        self._engine: RegoEngine | None = None
        self._documents: dict[DataPath, bytes | None] = {}

    @property
    def engine(self) -> RegoEngine | None:
        return self._engine

    @property
    def revision(self) -> str:
        """Content hash of what is in force, or `none`."""
        return NOTHING_YET if self._engine is None else self._engine.revision

    @property
    def footprint(self) -> Footprint:
        return EVERYTHING if self._engine is None else self._engine.footprint

    def not_ready(self) -> str | None:
        return self._missing if self._engine is None else None

    def decide(self, question: PolicyInput, deadline: float) -> Coroutine[Any, Any, Verdict | None]:
        """As the engine does; raises EngineUnavailable as long as there is none."""
        if self._engine is None:
            raise EngineUnavailable(self._missing)
        return self._engine.decide(question, deadline)

    async def feed(self, documents: Mapping[DataPath, bytes | None]) -> None:
        """As `RegoEngine.feed`; documents that come before the engine are put where they belong with it."""
        if self._engine is None:
            self._documents.update(documents)
        else:
            await self._engine.feed(documents)

    async def begin(self, engine: RegoEngine) -> None:
        """Decide from now on. Raises PolicyLoadError, and then nothing has changed."""
        await engine.settle()
        given: dict[DataPath, bytes | None] = {}
        while given != self._documents:  # others may come meanwhile
            given = dict(self._documents)
            await engine.feed(given)
        self._engine = engine

    def begin_here(self, engine: RegoEngine) -> None:
        """The same with an engine whose `settle` may follow."""
        self._engine = engine
