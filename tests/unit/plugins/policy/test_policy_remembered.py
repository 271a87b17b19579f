"""A decision from memory is what the engine would say now, whatever policies, failures and times there were."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable
from dnspolicy.model.verdict import Action, Mode, Origin, Verdict
from dnspolicy.plugins.policy import Config, Judge
from dnspolicy.plugins.policy.config import EngineWords
from dnspolicy.policy.decisions import DecisionCache
from dnspolicy.policy.failure import FAILURE_TRIGGER
from dnspolicy.policy.footprint import Footprint, Path
from dnspolicy.policy.input import PolicyInput, encode
from dnspolicy.policy.settings.failure import OnError, OnErrorLine
from dnspolicy.testing.clock import FakeClock
from dnspolicy.testing.static import StaticEngine
from tests.unit.policy.questions import PATHS, questions, read, variants

PERIOD = 20
"""Seconds for which a policy that reads the clock says the same."""
ERRORS = (EngineTimeout, EngineBadReply, EngineUnavailable)


class Rules(msgspec.Struct, frozen=True):
    """A policy: what it says follows from what it reads. `held`: it says by `holds` how long, not by `ttl`."""

    paths: frozenset[Path]
    clock: bool
    held: bool
    salt: int

    @property
    def footprint(self) -> Footprint:
        return Footprint(self.paths, timeless=not (self.clock or self.held))

    @property
    def revision(self) -> str:
        return sha256(repr((sorted(self.paths), self.clock, self.held, self.salt)).encode()).hexdigest()[:8]

    def says(self, question: PolicyInput, now: float, period: int = PERIOD) -> Verdict | None:
        document = msgspec.json.decode(encode(question))
        seen = repr([(path, read(document, path)) for path in sorted(self.paths)])
        left = period - now % period
        seen += f"{self.salt} {now // period if self.clock else ''}"
        digest = sha256(seen.encode()).hexdigest()
        if digest[0] in "01":
            return None
        return Verdict(
            Action.ALLOW if digest[1] in "01234567" else Action.BLOCK, digest, "r", revision=self.revision,
            mode=Mode.SHADOW if digest[2] in "01" else Mode.ENFORCE,
            ttl=int(left) if self.clock else None, holds=left if self.held else None,
        )  # fmt: skip


class Deciding(StaticEngine):
    """Says what its rules say; takes its time before and after that, fails, and may get other rules meanwhile."""

    def __init__(self, rules: Rules, clock: FakeClock) -> None:
        super().__init__(None)
        self.rules = rules
        self.clock = clock
        self.delays: Iterator[float] = iter(())
        self.error: type[EngineError] | None = None
        self.then: Rules | None = None
        self.period = PERIOD

    @property
    def revision(self) -> str:
        return self.rules.revision

    @property
    def footprint(self) -> Footprint:
        return self.rules.footprint

    async def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        self.clock.advance(next(self.delays, 0.0))
        if self.error is not None:
            raise self.error("as told")
        said = self.rules.says(question, self.clock.monotonic(), self.period)
        self.rules, self.then = self.then or self.rules, None
        self.clock.advance(next(self.delays, 0.0))
        return said


RULES = st.builds(
    Rules, st.frozensets(st.sampled_from([p for p in PATHS if p]), max_size=2), st.booleans(), st.booleans(),
    st.integers(0, 1),
)  # fmt: skip
WHICH = st.integers(0, 9)
STEP = st.one_of(
    st.tuples(st.just("ask"), WHICH),
    st.tuples(st.just("ask"), WHICH),
    st.tuples(st.just("advance"), st.sampled_from([0.25, 3.0, 7.5, 19.0])),
    st.tuples(st.sampled_from(["swap", "swap under way", "candidate"]), WHICH),
    st.tuples(st.just("fail"), st.sampled_from([None, None, *ERRORS])),
    st.tuples(st.sampled_from(["tell", "turn"]), WHICH),
)
DELAYS = st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.5, 6.0]), max_size=20)


class Story:
    """A judge, and beside it what was said to whom."""

    def __init__(self, rules: list[Rules], asked: list[PolicyInput], on_error: OnError, beside: bool) -> None:
        self.rules, self.asked = rules, asked
        self.clock, metrics = FakeClock(), Metrics()
        self.engine, self.candidate = (Deciding(rules[0], self.clock) for _ in range(2))
        self.candidate.period = 1_000 * PERIOD
        words = EngineWords(rego=("y",)) if beside else None
        config = Config(rego=("x",), on_error=(OnErrorLine(on_error),), candidate=words)
        decisions = DecisionCache(8, self.clock, metrics)
        self.judge = Judge(
            config, self.engine, decisions, clock=self.clock, metrics=metrics,
            candidate=self.candidate if beside else None,
        )  # fmt: skip
        self.told = self.engine.rules
        self.said: list[tuple[Rules, PolicyInput, Verdict]] = []

    async def step(self, what: str, value: Any) -> None:
        rules = self.rules[value % len(self.rules)] if isinstance(value, int) else self.engine.rules
        match what:
            case "ask":
                await self.ask(self.asked[value % len(self.asked)])
            case "advance":
                self.clock.advance(value)
            case "swap":
                self.engine.rules = rules
            case "swap under way":
                self.engine.then = rules
            case "candidate":
                self.candidate.rules = rules
            case "fail":
                self.engine.error = self.candidate.error = value
            case "tell":
                self.judge.renew()
                self.told = self.engine.rules
            case _:
                await asyncio.sleep(0)

    async def ask(self, question: PolicyInput) -> None:
        now, force = self.clock.monotonic(), self.engine.rules
        ctx = QueryContext("192.0.2.9", 1, now, now + 60, None, judgements=[])  # type: ignore[arg-type]
        before = self.judge.revision
        verdict = self.judge.recall(question, ctx)
        if verdict is not None:
            self.is_what_follows(verdict, self.told.says(question, now), before)
            self.holds_no_longer(verdict, self.told, now)
            return
        failing = self.engine.error is not None
        verdict = await self.judge.decide(question, ctx)
        if not failing:
            self.said.append((force, question, verdict))
            return
        if verdict.trigger.startswith(FAILURE_TRIGGER):
            plain = msgspec.structs.replace(verdict, trigger="", beside=None)
            assert any(self.same(plain, said, other, question) for _, other, said in self.said)
        else:
            assert (verdict.action, verdict.origin) == (Action.BLOCK, Origin.FAILURE)
        assert self.judge.freshness(question.target, verdict).ttl == 0.0

    def is_what_follows(self, verdict: Verdict, said: Verdict | None, revision: str) -> None:
        if said is None or said.mode is Mode.SHADOW:
            assert (verdict.origin, verdict.action, verdict.revision) == (Origin.DEFAULT, Action.BLOCK, revision)
            assert [would.rule for would in verdict.shadow] == ([] if said is None else [said.rule])
        else:
            assert (verdict.rule, verdict.action, verdict.revision) == (said.rule, said.action, said.revision)

    def holds_no_longer(self, verdict: Verdict, rules: Rules, now: float) -> None:
        """Neither the decision nor an answer made of it outlives the time for which the rules say so."""
        left = PERIOD - now % PERIOD
        if rules.clock or rules.held:
            holds = verdict.lifetime(rules.footprint.timeless)
            assert holds is not None
            assert holds <= left
        if rules.clock:
            assert (verdict.ttl or 0) <= left

    def same(self, verdict: Verdict, said: Verdict, asked: PolicyInput, question: PolicyInput) -> bool:
        """Whether it was said to a question that the policies now in force cannot tell from this one."""
        paths = self.told.paths
        one, other = (msgspec.json.decode(encode(q)) for q in (question, asked))
        alike = all(read(one, path) == read(other, path) for path in paths)
        return alike and (verdict.rule, verdict.action) == (said.rule, said.action)


@given(
    st.lists(RULES, min_size=1, max_size=3), questions(), questions(), st.lists(STEP, max_size=40), DELAYS, DELAYS,
    st.sampled_from([OnError.BLOCK, OnError.LAST_KNOWN]), st.booleans(),
)  # fmt: skip
def test_what_is_remembered_is_what_the_engine_would_say(
    rules: list[Rules], one: PolicyInput, other: PolicyInput, steps: list[tuple[str, Any]], delays: list[float],
    later: list[float], on_error: OnError, beside: bool,
) -> None:  # fmt: skip
    async def run() -> None:
        story = Story(rules, [one, other, *variants(one, other)], on_error, beside)
        story.engine.delays, story.candidate.delays = iter(delays), iter(later)
        for what, value in steps:
            await story.step(what, value)

    asyncio.run(run())


CLOCK, NO_CLOCK = (Rules(frozenset({("query", "name")}), clock, False, 0) for clock in (True, False))


@given(questions())
def test_what_is_decided_before_a_revision_is_told_of_is_not_that_of_the_one_before(asked: PolicyInput) -> None:
    """A policy is put in force and taken back, and of the first the server hears a moment later."""
    before, between = (msgspec.structs.replace(NO_CLOCK, salt=salt) for salt in (0, 1))

    async def run() -> None:
        story = Story([before, between], [asked], OnError.BLOCK, False)
        for what, value in [("swap", 1), ("ask", 0), ("swap", 0), ("tell", 0)]:
            await story.step(what, value)
        now = story.clock.monotonic()
        ctx = QueryContext("192.0.2.9", 1, now, now + 60, None, judgements=[])  # type: ignore[arg-type]
        assert story.judge.recall(asked, ctx) is None

    asyncio.run(run())


@given(questions())
def test_a_candidate_that_takes_its_time_makes_no_decision_last_longer(asked: PolicyInput) -> None:
    async def run() -> None:
        story = Story([CLOCK], [asked], OnError.BLOCK, True)
        story.candidate.delays = iter([6.0])
        for what in ("ask", "turn", "turn"):
            await story.step(what, 0)
        story.clock.advance(PERIOD - 6)
        await story.step("ask", 0)
        assert len(story.said) == 2

    asyncio.run(run())
