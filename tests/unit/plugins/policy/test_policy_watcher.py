"""The candidate beside the judge: asked after the answer, bounded, counted, and never a part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.errors import EngineTimeout
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.target import EXTERNAL
from dnspolicy.model.verdict import Action, Phase, Verdict
from dnspolicy.plugins.policy import Config, Judge, watcher
from dnspolicy.plugins.policy.config import EngineWords
from dnspolicy.policy.decisions import DecisionCache
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.input import PolicyInput
from dnspolicy.testing.clock import FakeClock
from dnspolicy.testing.static import StaticEngine

NAME = from_text("db.example")
ALLOW = Verdict(Action.ALLOW, "force/all", "x", revision="1")
BLOCK = Verdict(Action.BLOCK, "next/all", "y", revision="2")
CLOCK = Footprint(frozenset(), timeless=False)


class Rig:
    """A judge with a candidate. To be used on an event loop."""

    def __init__(self, candidate: StaticEngine, force: StaticEngine | None = None) -> None:
        self.clock, self.metrics = FakeClock(), Metrics()
        config = Config(rego=("x",), candidate=EngineWords(rego=("y",)))
        decisions = DecisionCache(99, self.clock, self.metrics)
        self.judge = Judge(
            config, force or StaticEngine(ALLOW), decisions, clock=self.clock, metrics=self.metrics, candidate=candidate
        )

    def begin(self, name: str = "db.example") -> tuple[QueryContext, Any]:
        now = self.clock.monotonic()
        ctx = QueryContext("192.0.2.9", 1, now, now + 4, None, judgements=[])  # type: ignore[arg-type]
        asked = from_text(name)
        return ctx, self.judge.judge(Query(asked, 1, asked), ctx, Phase.QUERY, EXTERNAL)

    async def ask(self, name: str = "db.example") -> Verdict:
        _, judged = self.begin(name)
        verdict = await judged
        assert isinstance(verdict, Verdict)
        return verdict

    async def told(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    def count(self, name: str) -> dict[tuple[str, ...], float]:
        return next(dict(m.values) for m in self.metrics.collect() if m.name == name)  # type: ignore[attr-defined]


def story(run: Callable[[], Any]) -> Any:
    return asyncio.run(run())


def fails(_: PolicyInput) -> Verdict:
    raise EngineTimeout("slow")


def breaks(_: PolicyInput) -> Verdict:
    raise RuntimeError("a fault of the engine")


def test_the_verdict_is_there_before_the_candidate_is_asked() -> None:
    async def run() -> None:
        rig = Rig(StaticEngine(BLOCK, revision="2"))
        verdict = await rig.ask()
        assert (verdict.action, verdict.beside is not None and verdict.beside.known) == (Action.ALLOW, False)
        await rig.told()
        assert verdict.beside is not None
        assert verdict.beside.would is not None
        assert (verdict.beside.would.rule, verdict.beside.would.revision) == ("next/all", "2")
        again = await rig.ask()
        assert again.beside is verdict.beside
        assert rig.count("dnspolicy_policy_candidate_total") == {(): 1.0}

    story(run)


@pytest.mark.parametrize(
    ("says", "kind"), [pytest.param(fails, "timeout", id="error"), pytest.param(breaks, "unavailable", id="fault")]
)
def test_what_goes_wrong_is_counted_apart_and_tried_again_later(
    says: Callable[[PolicyInput], Verdict], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        candidate = StaticEngine(says, footprint=Footprint(frozenset()))
        rig = Rig(candidate)
        verdict = await rig.ask()
        await rig.told()
        assert verdict.beside is not None
        assert (verdict.action, verdict.beside.known, verdict.beside.would) == (Action.ALLOW, True, None)
        candidate.swap(BLOCK, "static")
        await rig.ask()
        await rig.told()
        assert verdict.beside.would is None  # too soon
        rig.clock.advance(watcher.PAUSE)
        await rig.ask()
        await rig.told()
        assert verdict.beside.would is not None
        assert rig.count("dnspolicy_policy_candidate_failures_total") == {(kind,): 1.0}
        assert rig.count("dnspolicy_policy_failures_total") == {}

    story(run)


def test_questions_beyond_the_bound_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "PENDING", 2)

    async def run() -> None:
        rig = Rig(StaticEngine(BLOCK), StaticEngine(ALLOW, footprint=Footprint(frozenset({("query", "name")}))))
        verdicts = [await rig.ask(f"n{number}.example") for number in range(5)]
        await rig.told()
        assert [v.beside is not None and v.beside.would is not None for v in verdicts] == [True, True, *[False] * 3]
        assert rig.count("dnspolicy_policy_candidate_failures_total") == {("skipped",): 3.0}

    story(run)


def test_rules_without_end_share_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "RULES", 2)

    def named(question: PolicyInput) -> Verdict:
        return Verdict(Action.BLOCK, f"rule/{question.query.name}", "x")

    async def run() -> None:
        rig = Rig(StaticEngine(named))
        for number in range(5):
            await rig.ask(f"n{number}.example")
            await rig.told()
        found = rig.count("dnspolicy_policy_candidate_differences_total")
        assert found[watcher.OTHER, "block"] == 3.0
        assert len(found) == 3

    story(run)


def test_a_candidate_that_reads_the_clock_limits_what_is_remembered() -> None:
    async def run() -> None:
        rig = Rig(StaticEngine(Verdict(Action.BLOCK, "next", "x", ttl=10), footprint=CLOCK))
        first = await rig.ask()
        assert first.lifetime(True) == 0.0  # nobody knows yet
        await rig.told()
        second = await rig.ask()
        assert second.beside is first.beside
        assert second.lifetime(True) == 10.0
        assert second.ttl is None  # the answer's own TTL is not the candidate's business
        rig.clock.advance(10)
        third = await rig.ask()
        assert third.beside is not first.beside

    story(run)


@pytest.mark.parametrize("open_at_most", [0, 1], ids=["left out", "fails"])
def test_a_candidate_that_fails_keeps_no_decision_from_being_remembered(
    open_at_most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much it is asked, the policy in force is not asked more."""
    monkeypatch.setattr(watcher, "PENDING", open_at_most)

    async def run() -> None:
        rig = Rig(StaticEngine(fails, footprint=CLOCK))
        for _ in range(5):
            await rig.ask()
            await rig.told()
        assert rig.count("dnspolicy_decision_cache_misses_total") == {(): 1.0}
        rig.clock.advance(watcher.PAUSE)
        await rig.ask()
        await rig.told()
        assert sum(rig.count("dnspolicy_policy_candidate_failures_total").values()) == 2

    story(run)


def test_what_only_the_candidate_reads_does_not_change_how_the_other_is_asked() -> None:
    candidate = StaticEngine(BLOCK, footprint=Footprint(frozenset({("answer",), ("client", "namespace"), ("target",)})))
    rig = Rig(candidate)
    assert not rig.judge.reads_answers
    assert rig.judge.watches_answers
    assert not rig.judge.needs_clients
    assert rig.judge.client_facts == {("namespace",)}
    candidate.swap(BLOCK, "3")
    rig.judge.renew()
    assert rig.judge.watches_answers
