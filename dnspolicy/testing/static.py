"""The simplest engine: one verdict for everybody, or what a function says."""

from __future__ import annotations

from collections.abc import Callable

from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.engine import Changed, Engine, Reach
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import PolicyInput

Says = Callable[[PolicyInput], Verdict | None]
EVERYTHING = Footprint(frozenset({()}))
NOTHING = Footprint(frozenset())


class StaticEngine:
    """Answers `verdict`, or what `verdict(question)` returns or raises.

    The footprint is everything for a function and nothing for a verdict, unless given.
    """

    name = "static"

    def __init__(
        self, verdict: Verdict | Says | None, *, footprint: Footprint | None = None, revision: str = "static"
    ) -> None:
        self._says: Says = verdict if callable(verdict) else lambda _: verdict
        self._footprint = footprint or (EVERYTHING if callable(verdict) else NOTHING)
        self._revision = revision

    @property
    def revision(self) -> str:
        return self._revision

    @property
    def footprint(self) -> Footprint:
        return self._footprint

    def swap(self, verdict: Verdict | Says | None, revision: str) -> None:
        """Answer otherwise from now on."""
        self._says = verdict if callable(verdict) else lambda _: verdict
        self._revision = revision

    async def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """The verdict."""
        return self._says(question)


class StaticSupply:
    """An engine that nothing keeps up to date. Who changes it calls `changed`. `stopped`: it is in use no more."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.changed: Changed = _nobody
        self.stopped = False

    def announcement(self) -> str:
        return f"policy revision {self.engine.revision}, as it is"

    def source_of(self, rule: str) -> str | None:
        return None

    async def settle(self) -> None:
        """Nothing: it is ready."""

    async def start(self, changed: Changed) -> None:
        self.changed = changed

    async def stop(self) -> None:
        self.stopped = True


def _nobody(reach: Reach = Reach.EVERYBODY) -> None:
    """Nobody wants to know yet."""
