"""Remembered decisions, and what follows when there is none."""

from __future__ import annotations

import msgspec
import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable
from dnspolicy.model.verdict import Action, Origin, Verdict
from dnspolicy.policy.decisions import DecisionCache
from dnspolicy.policy.failure import verdict_of
from dnspolicy.policy.settings.failure import OnError
from dnspolicy.testing.clock import FakeClock

ALLOW = Verdict(Action.ALLOW, "r", "why")
KEY = ("rev", ("a",))


def test_a_decision_is_remembered_under_its_key() -> None:
    cache = DecisionCache(10, FakeClock(), Metrics())
    cache.keep(KEY, ALLOW, timeless=True)
    found = cache.find(KEY)
    assert found is not None
    assert found.verdict is ALLOW
    assert cache.find(("rev2", ("a",))) is None
    assert cache.find(("rev", ("b",))) is None


def test_what_is_remembered_for_a_time_grows_old() -> None:
    clock = FakeClock()
    cache = DecisionCache(10, clock, Metrics())
    cache.keep(KEY, Verdict(Action.ALLOW, "r", "why", ttl=10), timeless=False)
    clock.advance(6.5)
    found = cache.find(KEY)
    assert found is not None
    aged = found.aged(clock.monotonic())
    assert (aged.ttl, aged.holds) == (3, 3.5)


def test_what_is_remembered_for_ever_does_not_grow_old() -> None:
    clock = FakeClock()
    cache = DecisionCache(10, clock, Metrics())
    kept = Verdict(Action.ALLOW, "r", "why", ttl=10)
    cache.keep(KEY, kept, timeless=True)
    clock.advance(6.5)
    found = cache.find(KEY)
    assert found is not None
    assert found.aged(clock.monotonic()) is kept


@pytest.mark.parametrize(
    ("ttl", "kept"),
    [pytest.param(None, False, id="none"), pytest.param(0, False, id="zero"), pytest.param(5, True, id="5")],
)
def test_a_policy_that_reads_the_clock_is_remembered_for_the_ttl_it_gives(ttl: int | None, kept: bool) -> None:
    clock = FakeClock()
    cache = DecisionCache(10, clock, Metrics())
    cache.keep(KEY, Verdict(Action.ALLOW, "r", "why", ttl=ttl), timeless=False)
    assert (cache.find(KEY) is not None) is kept
    clock.advance(5.0)
    assert cache.find(KEY) is None


def test_it_is_bounded() -> None:
    cache = DecisionCache(3, FakeClock(), Metrics())
    for number in range(10):
        cache.keep(("rev", (number,)), ALLOW, timeless=True)
    assert sum(cache.find(("rev", (number,))) is not None for number in range(10)) == 3


def test_hits_misses_and_entries_are_counted() -> None:
    metrics = Metrics()
    cache = DecisionCache(10, FakeClock(), metrics)
    cache.find(KEY)
    cache.keep(KEY, ALLOW, timeless=True)
    cache.find(KEY)
    values = {m.name: m.values[()] for m in metrics.collect()}  # type: ignore[attr-defined]
    assert values == {
        "dnspolicy_decision_cache_hits_total": 1.0,
        "dnspolicy_decision_cache_misses_total": 1.0,
        "dnspolicy_decision_cache_entries": 1.0,
    }


PROBLEMS = [
    pytest.param(EngineUnavailable("x"), "failure/unavailable", id="unavailable"),
    pytest.param(EngineTimeout("x"), "failure/timeout", id="timeout"),
    pytest.param(EngineBadReply("x"), "failure/bad_reply", id="bad reply"),
]


@pytest.mark.parametrize(("problem", "rule"), PROBLEMS)
@pytest.mark.parametrize("on_error", OnError)
def test_only_an_operator_turns_a_failure_into_an_allow(problem: EngineError, rule: str, on_error: OnError) -> None:
    verdict = verdict_of(problem, on_error, "rev", None)
    assert verdict.action is (Action.ALLOW if on_error is OnError.ALLOW else Action.BLOCK)
    assert (verdict.rule, verdict.origin, verdict.revision) == (rule, Origin.FAILURE, "rev")


def test_the_last_known_decision_stands_in_where_it_is_asked_for() -> None:
    last = Verdict(Action.ALLOW, "tenant/own", "why", revision="old")
    stand_in = verdict_of(EngineTimeout("x"), OnError.LAST_KNOWN, "new", last)
    assert (stand_in.action, stand_in.rule, stand_in.revision) == (Action.ALLOW, "tenant/own", "old")
    assert stand_in.trigger == "failure:timeout"  # the record says so, and nothing made of it is reused
    assert verdict_of(EngineTimeout("x"), OnError.BLOCK, "new", last).action is Action.BLOCK


def test_the_last_word_counts_also_if_it_could_not_be_remembered() -> None:
    cache = DecisionCache(10, FakeClock(), Metrics())
    cache.keep(KEY, ALLOW, timeless=True)
    nothing = Verdict(Action.BLOCK, "default", "the policy says nothing", origin=Origin.DEFAULT)
    cache.keep(("rev2", KEY[1]), nothing, timeless=False)
    assert cache.find(("rev2", KEY[1])) is None
    assert cache.last(KEY[1]) is nothing


def test_the_last_decision_is_kept_only_where_it_is_wanted() -> None:
    cache = DecisionCache(10, FakeClock(), Metrics(), keeps_last=False)
    cache.keep(KEY, ALLOW, timeless=True)
    assert cache.find(KEY) is not None
    assert cache.last(KEY[1]) is None


@pytest.mark.parametrize(
    ("ttl", "holds", "passed", "left"),
    [
        pytest.param(10, None, 3.5, (6, 6.5), id="as long as its ttl"),
        pytest.param(10, 2.0, 1.5, (8, 0.5), id="held for less than its ttl"),
        pytest.param(5, 60.0, 58.0, (2, 2.0), id="held for longer"),
        pytest.param(None, 2.0, 1.5, (None, 0.5), id="no ttl"),
    ],
)
def test_what_is_remembered_grows_older(
    ttl: int | None, holds: float | None, passed: float, left: tuple[int | None, float]
) -> None:
    clock = FakeClock()
    cache = DecisionCache(9, clock, Metrics())
    cache.keep(("rev", 1), msgspec.structs.replace(ALLOW, ttl=ttl, holds=holds), timeless=False)
    clock.advance(passed)
    found = cache.find(("rev", 1))
    assert found is not None
    aged = found.aged(clock.monotonic())
    assert (aged.ttl, aged.holds) == left
