"""The policy of one namespace, with a share of the server's time that it cannot exceed."""

from __future__ import annotations

from collections.abc import Callable

from dnspolicy.engines.rego import RegoEngine
from dnspolicy.model.errors import EngineTimeout, EngineUnavailable
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.footprint import Path
from dnspolicy.policy.input import PolicyInput

BURST = 0.25
"""Seconds of evaluation that may be taken at once."""


class Budget:
    """Seconds that may be spent: `share` of the time that passes, at most `BURST` saved up."""

    def __init__(self, share: float, now: float) -> None:
        self._share = share
        self._left = BURST
        self._at = now

    def empty(self, now: float) -> bool:
        """Whether nothing is left at monotonic time `now`."""
        self._left = min(BURST, self._left + (now - self._at) * self._share)
        self._at = now
        return self._left <= 0.0

    def spend(self, seconds: float) -> None:
        self._left -= seconds


class Tenant:
    """What is in force for the clients of one namespace: an engine, or the `problem` for which there is none.

    `paths` is what it reads of a question, `revision` names its content.
    """

    def __init__(
        self,
        engine: RegoEngine | None,
        revision: str,
        *,
        paths: frozenset[Path] = frozenset(),
        problem: str = "",
        budget: Budget | None = None,
        monotonic: Callable[[], float],
    ) -> None:
        self.engine = engine
        self.revision = revision
        self.paths = paths
        self.problem = problem
        self.budget = budget
        self._now = monotonic

    def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """What it says, or None. `deadline` is monotonic time. Raises what an engine does."""
        if self.engine is None:
            raise EngineUnavailable(self.problem)
        began = self._now()
        if self.budget is not None and self.budget.empty(began):
            raise EngineTimeout("it has used up its share of the server's time")
        try:
            return self.engine.decide_now(question, deadline)
        finally:
            if self.budget is not None:
                self.budget.spend(self._now() - began)
