"""What the contract needs of an engine: that it says what it is told to, changes, breaks, and is mended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import uvloop

from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.engine import Engine
from dnspolicy.policy.input import PolicyInput
from tests.unit.policy.questions import question

UNDEFINED = object()
"""Instead of a decision: the policy says nothing."""
PATIENCE = 20.0
"""Seconds that anything may take."""
T = TypeVar("T")


class Break(StrEnum):
    """dead: nobody is there. slow: an answer comes, but after the deadline. hung: none comes. garbage: no decision."""

    DEAD = "dead"
    SLOW = "slow"
    HUNG = "hung"
    GARBAGE = "garbage"


class Rig:
    """An engine that gives the decision it is told to. `close` is called at the end, whatever happened.

    `breaks` are the ways in which it can be broken, `restarts` says whether there is something to restart, `programs`
    what must be installed (`tests/peers`). What belongs on an event loop is run by `run`: there is one for all of a
    test, of the kind that the server has. `engine` is there after `start`.
    """

    breaks: ClassVar[frozenset[Break]] = frozenset()
    restarts: ClassVar[bool] = False
    programs: ClassVar[tuple[str, ...]] = ()
    engine: Engine

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    def start(self, decision: object, broken: Break | None = None) -> Engine:
        """The engine, which gives `decision` to every question from now on; `broken` from the first moment."""
        raise NotImplementedError

    def change(self, decision: object) -> None:
        """Give another one; returns when the engine's revision tells."""
        raise NotImplementedError

    def break_(self, kind: Break) -> None:
        """Break what stands behind the engine."""
        raise NotImplementedError

    def mend(self) -> None:
        """Undo that."""
        raise NotImplementedError

    def restart(self) -> None:
        """End what stands behind the engine and start it anew, with the same decision."""
        raise NotImplementedError

    def close(self) -> None:
        self._runner.close()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = PATIENCE) -> T:
        """Run something on the event loop of this rig."""
        return self._runner.run(asyncio.wait_for(work, seconds))

    def decide(self, seconds: float = PATIENCE, asked: PolicyInput | None = None) -> Verdict | None:
        """What the engine says within so many seconds. Fails when it does not keep to that at all."""
        return self.run(self._decide(seconds, asked or question()))

    async def _decide(self, seconds: float, asked: PolicyInput) -> Verdict | None:
        return await self.engine.decide(asked, time.monotonic() + seconds)

    def await_true(self, condition: Callable[[], bool]) -> None:
        """Let the event loop run until something holds; fails when that takes too long."""
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until
            self.run(asyncio.sleep(0.005))
