"""What every policy engine keeps to, whatever it is made of. Each kind has its rig in `rigs`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dnspolicy.engines.rego import RegoEngine, load
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable
from dnspolicy.model.verdict import Action, Verdict
from dnspolicy.policy.decode import decode
from dnspolicy.testing.static import StaticEngine
from tests.contract.rigs import RIGS, UNDEFINED, Break, Rig
from tests.contract.rigs.base import PATIENCE
from tests.unit.policy.test_policy_decode import BAD, GOOD

ALLOW = {"action": "allow", "rule": "one", "reason": "why"}
BLOCK = {"action": "block", "rule": "two", "reason": "why"}
SHORT = 0.15
"""Seconds that a broken engine is given."""
FAILURES = {
    Break.DEAD: EngineUnavailable,
    Break.SLOW: EngineTimeout,
    Break.HUNG: EngineTimeout,
    Break.GARBAGE: EngineBadReply,
}


def params(names: Iterable[tuple[str, tuple[object, ...]]]) -> list[Any]:
    """Rigs with further parameters; those that need programs run where these are."""
    return [
        pytest.param(
            name,
            *more,
            id="-".join((name, *map(str, more))),
            marks=[pytest.mark.real(*RIGS[name].programs)] if RIGS[name].programs else [],
        )
        for name, more in names
    ]


@pytest.fixture(params=params((name, ()) for name in RIGS))
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made = RIGS[request.param](tmp_path)
    try:
        yield made
    finally:
        made.close()


BROKEN = pytest.mark.parametrize(
    ("rig", "kind"), params((name, (kind,)) for name in RIGS for kind in sorted(RIGS[name].breaks)), indirect=["rig"]
)
TIMED = pytest.mark.parametrize("rig", params((name, ()) for name in RIGS if name != "static"), indirect=True)
RESTARTED = pytest.mark.parametrize("rig", params((name, ()) for name in RIGS if RIGS[name].restarts), indirect=True)


def eventually(rig: Rig) -> Verdict:
    """The first verdict that comes, however many failures come before it."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            found = rig.decide(SHORT)
        except EngineError:
            assert time.monotonic() < until
            continue
        assert found is not None
        return found


@pytest.mark.parametrize(("decision", "verdict"), GOOD)
def test_every_action_with_what_it_needs(rig: Rig, decision: dict[str, Any], verdict: Verdict) -> None:
    engine = rig.start(decision)
    found = rig.decide()
    assert found is not None
    assert plain(found) == plain(decode(json.dumps(decision), engine.revision))
    assert found.action is verdict.action


def plain(verdict: Verdict) -> dict[str, object]:
    """A verdict without how long it may be remembered, which is the engine's own affair."""
    return {name: getattr(verdict, name) for name in verdict.__struct_fields__ if name != "holds"}


def test_undefined_is_no_decision(rig: Rig) -> None:
    rig.start(UNDEFINED)
    assert rig.decide() is None


@pytest.mark.parametrize(("decision", "place"), BAD)
def test_a_malformed_decision_is_a_bad_reply(rig: Rig, decision: object, place: str) -> None:
    rig.start(decision)
    with pytest.raises(EngineBadReply) as problem:
        rig.decide()
    assert place in str(problem.value)


def test_a_revision_changes_in_the_middle(rig: Rig) -> None:
    engine = rig.start(ALLOW)
    before, first = rig.decide(), engine.revision
    rig.change(BLOCK)
    after = rig.decide()
    assert before is not None
    assert after is not None
    assert (before.action, before.revision) == (Action.ALLOW, first)
    assert (after.action, after.revision) == (Action.BLOCK, engine.revision)
    assert engine.revision != first


def test_a_policy_that_says_nothing_any_more_is_no_allow(rig: Rig) -> None:
    rig.start(ALLOW)
    assert rig.decide() is not None
    rig.change(UNDEFINED)
    assert rig.decide() is None


def test_a_revision_is_short_and_says_nothing_odd(rig: Rig) -> None:
    revision = rig.start(UNDEFINED).revision
    assert re.fullmatch(r"[A-Za-z0-9]{1,64}", revision)


@TIMED
def test_a_deadline_that_has_passed_is_a_time_out(rig: Rig) -> None:
    rig.start(ALLOW)
    with pytest.raises(EngineTimeout):
        rig.decide(seconds=-1)


def test_the_footprint_covers_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text('package dnspolicy\ndecision := 1 if input.client.ip == "a"\n')
    assert RegoEngine(load([tmp_path], isolated=False)).footprint.reads("client", "ip")
    assert StaticEngine(lambda _: None).footprint.reads("client", "ip")
    assert not StaticEngine(None).footprint.reads("client", "ip")


@BROKEN
def test_a_broken_engine_fails_in_its_way_and_is_there_again_when_mended(rig: Rig, kind: Break) -> None:
    rig.start(ALLOW)
    assert rig.decide() is not None
    rig.break_(kind)
    with pytest.raises(FAILURES[kind]):
        rig.decide(SHORT)
    for _ in range(20):
        with pytest.raises(EngineError):
            rig.decide(SHORT)
    rig.mend()
    assert eventually(rig).action is Action.ALLOW


@BROKEN
def test_an_engine_that_is_broken_from_the_start_is_there_when_mended(rig: Rig, kind: Break) -> None:
    rig.start(ALLOW, kind)
    with pytest.raises(EngineError):
        rig.decide(SHORT)
    rig.mend()
    assert eventually(rig).action is Action.ALLOW


@RESTARTED
def test_an_engine_is_there_again_after_a_restart(rig: Rig) -> None:
    rig.start(BLOCK)
    assert rig.decide() is not None
    rig.restart()
    assert eventually(rig).action is Action.BLOCK
