"""The embedded engine at work."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.rego import Loaded, RegoEngine
from dnspolicy.engines.rego.binding import Binding
from dnspolicy.engines.rego.brake import Brake
from dnspolicy.engines.rego.engine import find_literal
from dnspolicy.model.errors import EngineBadReply, EngineTimeout, PolicyLoadError
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.footprint import Footprint
from tests.unit.engines.rego_folders import ALLOW, loaded
from tests.unit.policy.questions import question

pytestmark = pytest.mark.usefixtures("binding")
BLOCK = '{"action": "block", "rule": "other", "reason": "why"}'


class Ticks:
    """A clock that says the given times, then the last for ever."""

    def __init__(self, *times: float) -> None:
        self._times: Iterator[float] = iter(times)
        self._last = 0.0

    def __call__(self) -> float:
        self._last = next(self._times, self._last)
        return self._last


def soon() -> float:
    return time.monotonic() + 60


def test_it_decides_with_the_input(tmp_path: Path) -> None:
    engine = RegoEngine(loaded(tmp_path, f'decision := {ALLOW} if input.client.namespace == "shop"\n'))
    verdict = engine.decide_now(question(namespace="shop"), soon())
    assert verdict is not None
    assert (verdict.rule, verdict.revision) == ("r", engine.revision)
    assert engine.decide_now(question(namespace="other"), soon()) is None


def test_a_decision_made_of_parts(tmp_path: Path) -> None:
    rego = 'decision.action := "allow"\ndecision.rule := "r"\ndecision.reason := input.query.name\n'
    verdict = RegoEngine(loaded(tmp_path, rego)).decide_now(question("a.example"), soon())
    assert verdict is not None
    assert verdict.reason == "a.example"


def test_names_cannot_break_out_of_their_text(tmp_path: Path) -> None:
    rego = 'decision := {"action": "block", "rule": "r", "reason": input.query.name}\n'
    engine = RegoEngine(loaded(tmp_path, rego))
    verdict = engine.decide_now(question('x","action":"allow","z":"y.example'), soon())
    assert verdict is not None
    assert verdict.action == "block"


def test_swapping_takes_effect_at_once(tmp_path: Path) -> None:
    first = loaded(tmp_path / "a", f"decision := {ALLOW}\n")
    second = loaded(tmp_path / "b", f"decision := {BLOCK} if input.client.pod\n")
    engine = RegoEngine(first)
    engine.swap(second)
    verdict = engine.decide_now(question(), soon())
    assert verdict is not None
    assert (verdict.rule, verdict.revision) == ("other", second.revision)
    assert engine.footprint.paths == {("client", "pod")}
    assert engine.loaded is second


def test_large_data_is_put_in_force_in_steps(tmp_path: Path) -> None:
    names = {f"n{i}.example": i for i in range(60_000)}
    document = json.dumps({"list": {"names": names}, "small": 1})
    rego = f"decision := {ALLOW} if data.list.names[input.query.name] == 59999\n"
    made = loaded(tmp_path, rego, **{"data.json": document})
    engine = RegoEngine(loaded(tmp_path / "old", f"decision := {BLOCK}\n"))
    turns = 0

    async def swap() -> None:
        nonlocal turns
        task = asyncio.ensure_future(engine.swap_slowly(made))
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        await task

    asyncio.run(swap())
    assert turns > 10
    assert engine.decide_now(question("n59999.example"), soon()) is not None
    assert engine.decide_now(question("n1.example"), soon()) is None


def test_a_revision_that_cannot_be_built_leaves_the_old_one(tmp_path: Path) -> None:
    engine = RegoEngine(loaded(tmp_path, f"decision := {ALLOW}\n"))
    broken = Loaded((), b"[1]", "x", "data.dnspolicy.decision", Footprint(frozenset()))
    with pytest.raises(PolicyLoadError):
        engine.swap(broken)
    assert engine.decide_now(question(), soon()) is not None


@pytest.mark.parametrize(
    ("rego", "says"),
    [
        pytest.param('decision := {"action": "allow"}\n', "rule", id="not a decision"),
        pytest.param("decision := 1\n", "object", id="number"),
        pytest.param(
            f'x := 1 if input.client.zone\nx := 2 if input.client.zone == "z"\ndecision := {ALLOW} if x\n',
            "policy.rego:",
            id="error while evaluating",
        ),
    ],
)
def test_what_is_no_decision_is_a_bad_reply(tmp_path: Path, rego: str, says: str) -> None:
    engine = RegoEngine(loaded(tmp_path, rego))
    with pytest.raises(EngineBadReply) as problem:
        engine.decide_now(question(zone="z"), soon())
    assert says in str(problem.value)
    assert "\n" not in str(problem.value)


def test_another_thread_gets_a_decision_or_an_error_and_not_a_crash(tmp_path: Path, binding: Binding) -> None:
    engine = RegoEngine(loaded(tmp_path, f"decision := {ALLOW}\n"))
    seen: list[object] = []

    def ask() -> None:
        try:
            seen.append(engine.decide_now(question(), soon()))
        except EngineBadReply as problem:
            seen.append(problem)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert [isinstance(found, Verdict) for found in seen] == [binding is Binding.NATIVE]


def test_an_engine_may_die_in_another_thread(tmp_path: Path) -> None:
    """The collector runs in any thread; what it finds there must not be freed there (an unraisable error)."""

    class Circle:
        def __init__(self) -> None:
            self.engine = RegoEngine(loaded(tmp_path, f"decision := {ALLOW}\n"))
            self.itself = self

    gc.collect()
    Circle()
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread.join()
    assert RegoEngine(loaded(tmp_path, f"decision := {ALLOW}\n")).decide_now(question(), soon()) is not None


def test_a_fact_that_is_no_text_is_a_bad_reply(tmp_path: Path) -> None:
    engine = RegoEngine(loaded(tmp_path, f"decision := {ALLOW}\n"))
    with pytest.raises(EngineBadReply):
        engine.decide_now(question(zone="\ud800"), soon())


def test_an_answer_after_the_deadline_does_not_count(tmp_path: Path) -> None:
    metrics = Metrics()
    engine = RegoEngine(
        loaded(tmp_path, f"decision := {ALLOW}\n"), metrics=metrics, monotonic=Ticks(0.0, 0.05, 0.1, 0.105)
    )
    with pytest.raises(EngineTimeout, match=r"50\.0 ms"):
        engine.decide_now(question(), deadline=0.02)
    assert engine.decide_now(question(), deadline=0.2) is not None
    assert metrics.counter("dnspolicy_rego_overruns_total", "").values == {(): 1.0}


def test_no_time_left_is_a_time_out_without_evaluation(tmp_path: Path) -> None:
    engine = RegoEngine(loaded(tmp_path, f"decision := {ALLOW}\n"), monotonic=lambda: 5.0)
    with pytest.raises(EngineTimeout, match="no time"):
        engine.decide_now(question(), deadline=5.0)


def test_a_slow_policy_is_left_alone_for_a_while_and_a_new_one_is_not(tmp_path: Path) -> None:
    made = loaded(tmp_path, f"decision := {ALLOW}\n")
    times = [0.0, 0.1, 1.0, 1.1, 2.0, 2.1, 2.5, 3.2, 3.2]
    metrics = Metrics()
    engine = RegoEngine(made, metrics=metrics, monotonic=Ticks(*times), worked=Ticks(*times))
    for start in (0.0, 1.0, 2.0):
        with pytest.raises(EngineTimeout, match="took"):
            engine.decide_now(question(), deadline=start + 0.02)
    with pytest.raises(EngineTimeout, match="too slow just before"):
        engine.decide_now(question(), deadline=3.0)
    assert metrics.counter("dnspolicy_rego_refused_total", "").values == {(): 1.0}
    assert engine.decide_now(question(), deadline=4.0) is not None


def test_evaluations_that_began_too_late_do_not_make_a_policy_slow(tmp_path: Path) -> None:
    metrics = Metrics()
    made = loaded(tmp_path, f"decision := {ALLOW}\n")
    engine = RegoEngine(made, metrics=metrics, monotonic=Ticks(*range(20)), worked=lambda: 5.0)
    for start in range(0, 20, 2):
        with pytest.raises(EngineTimeout, match="took"):
            engine.decide_now(question(), deadline=start + 0.0001)
    assert metrics.counter("dnspolicy_rego_refused_total", "").values == {(): 0.0}


def test_the_brake_doubles_up_to_half_a_minute() -> None:
    brake, now, pauses = Brake(), 0.0, []
    for _ in range(7):
        while not brake.overran(now):
            now += 0.1
        pauses.append(brake.pause)
        assert brake.closed(now)
        now += brake.pause
        assert not brake.closed(now)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_the_brake_forgets_when_all_was_well_for_long() -> None:
    brake = Brake()
    assert [brake.overran(t) for t in (0.0, 0.1, 0.2)] == [False, False, True]
    assert [brake.overran(t) for t in (60.0, 75.0, 90.0)] == [False, False, False]
    assert [brake.overran(t) for t in (91.0, 92.0)] == [False, True]
    assert brake.pause == 1.0


def test_prints_of_a_policy_go_nowhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = loaded(tmp_path, f"decision := {ALLOW} if {{ print(input.query.name); true }}\n")
    assert made.prints
    engine = RegoEngine(made)
    assert engine.decide_now(question(), soon()) is not None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        pytest.param("tenant/own", 2, id="written out"),
        pytest.param("list/games", 3, id="put together"),
        pytest.param("nowhere/at/all", None, id="unknown"),
    ],
)
def test_where_a_rule_is_written(tmp_path: Path, rule: str, line: int | None) -> None:
    rego = (
        'decision := {"action": "allow", "rule": "tenant/own", "reason": "why"}\n'
        'other := concat("/", ["list", input.query.type])\n'
    )
    assert find_literal(loaded(tmp_path, rego), rule) == (line and f"{tmp_path}/policy.rego:{line}")
