"""Asks the candidate policy beside the one in force, when the answer has left, and never keeps anybody waiting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.errors import EngineError, EngineTimeout
from dnspolicy.model.verdict import Beside, Verdict
from dnspolicy.policy.candidate import difference, settled
from dnspolicy.policy.engine import Engine
from dnspolicy.policy.failure import kind_of
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import PolicyInput

PENDING = 256
"""Questions to a candidate that may be open at a time; further ones are left out and counted."""
PAUSE = 1.0
"""Seconds after which a question at which the candidate failed may be put to it again."""
RULES = 200
"""Rules that have a count of their own; the differences of all others are counted under `other`."""
SKIPPED = "skipped"
OTHER = "other"
Learned = Callable[[Beside, float | None], None]
"""Told of a finding and how many seconds it holds; None as long as both policies and the question stay what they are.

That nothing was found holds for the time until the candidate may be asked again.
"""
log = logging.getLogger("dnspolicy.policy")


class Watcher:
    """Compares what a candidate says with what was decided. `timeout` in seconds, within the query's own."""

    def __init__(self, engine: Engine, timeout: float, *, clock: Clock, metrics: Metrics) -> None:
        self._engine = engine
        self._timeout = timeout
        self._clock = clock
        self._default: Verdict | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._rules: set[str] = set()
        self._asked = metrics.counter("dnspolicy_policy_candidate_total", "Questions put to the candidate policy.")
        self._failures = metrics.counter(
            "dnspolicy_policy_candidate_failures_total",
            "Questions the candidate policy gave no usable decision to, by kind of failure.",
            ("kind",),
        )
        self._differences = metrics.counter(
            "dnspolicy_policy_candidate_differences_total",
            "Decisions of the candidate policy that differ from the one in force, by its rule and what it would do.",
            ("rule", "action"),
        )

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def footprint(self) -> Footprint:
        """What the candidate can read."""
        return self._engine.footprint

    def renew(self, default: Verdict) -> None:
        """Take over what a new revision can read. `default`: what follows when it says nothing."""
        self._default = default
        footprint = self._engine.footprint
        self.timeless = footprint.timeless
        self.reads_answers = footprint.reads("answer") or footprint.reads("phase")

    @property
    def revision(self) -> str:
        return self._engine.revision

    def ask(self, question: PolicyInput, enforced: Verdict, until: float, learned: Learned | None) -> Beside:
        """Put a question to the candidate, to be answered later. `until`: monotonic time. Never raises."""
        beside = Beside()
        self._start(question, enforced, until, learned, beside)
        return beside

    def again(self, question: PolicyInput, enforced: Verdict, until: float) -> None:
        """Ask once more, if it failed and that was a while ago."""
        beside = enforced.beside
        assert beside is not None
        if beside.failed_at is not None and self._clock.monotonic() - beside.failed_at >= PAUSE:
            beside.known, beside.failed_at = False, None
            self._start(question, enforced, until, None, beside)

    def _start(
        self, question: PolicyInput, enforced: Verdict, until: float, learned: Learned | None, beside: Beside
    ) -> None:
        if len(self._open) >= PENDING:
            self._came_to_nothing(SKIPPED, beside, learned)
            return
        task = asyncio.get_running_loop().create_task(self._find(question, enforced, until, learned, beside))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    def _came_to_nothing(self, kind: str, beside: Beside, learned: Learned | None) -> None:
        self._failures.inc((kind,))
        beside.known, beside.failed_at = True, self._clock.monotonic()
        if learned is not None:
            learned(beside, PAUSE)

    async def _find(
        self, question: PolicyInput, enforced: Verdict, until: float, learned: Learned | None, beside: Beside
    ) -> None:
        self._asked.inc()
        now = self._clock.monotonic()
        deadline = min(until, now + self._timeout)
        try:
            async with asyncio.timeout(
                self._timeout * 2
            ):  # an engine keeps the deadline itself; this is for one that does not
                said = await self._engine.decide(question, deadline)
        except (EngineError, TimeoutError) as problem:
            failure = problem if isinstance(problem, EngineError) else EngineTimeout("no answer")
            self._came_to_nothing(kind_of(failure).value, beside, learned)
            return
        except Exception:  # a candidate, whatever it is, must not hurt the server
            self._came_to_nothing("unavailable", beside, learned)
            log.exception("the candidate policy could not be asked")
            return
        assert self._default is not None
        verdict = settled(said, self._default, self.timeless)
        beside.would = difference(enforced, verdict)
        beside.known = True
        if beside.would is not None:
            self._differences.inc((self._rule(beside.would.rule), beside.would.action.value))
        if learned is not None:
            learned(beside, verdict.lifetime(self.timeless))

    def _rule(self, rule: str) -> str:
        if rule not in self._rules:
            if len(self._rules) >= RULES:
                return OTHER
            self._rules.add(rule)
        return rule

    async def settled(self) -> None:
        """Wait for what is open; for tools and tests."""
        while self._open:
            await asyncio.wait(set(self._open), timeout=self._timeout * 2)
