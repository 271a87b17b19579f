"""What every policy engine keeps to, whatever it is made of."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dnspolicy.engines.rego import Loaded, RegoEngine, load
from dnspolicy.engines.static import StaticEngine
from dnspolicy.model.errors import EngineBadReply, EngineTimeout
from dnspolicy.model.verdict import Action, Verdict
from dnspolicy.policy.decode import decode
from dnspolicy.policy.engine import Engine
from dnspolicy.policy.input import PolicyInput
from tests.unit.policy.questions import question
from tests.unit.policy.test_policy_decode import BAD, GOOD

UNDEFINED = object()


class Rig:
    """An engine that gives the decision it is told to."""

    def start(self, decision: object) -> Engine:
        raise NotImplementedError

    def change(self, engine: Any, decision: object) -> None:
        raise NotImplementedError


class StaticRig(Rig):
    def start(self, decision: object) -> Engine:
        return StaticEngine(self._says(decision), revision=_hash(decision))

    def change(self, engine: Any, decision: object) -> None:
        engine.swap(self._says(decision), _hash(decision))

    @staticmethod
    def _says(decision: object) -> Callable[[PolicyInput], Verdict | None]:
        return lambda _: None if decision is UNDEFINED else decode(json.dumps(decision), _hash(decision))


def _hash(decision: object) -> str:
    return str(abs(hash(repr(decision))))


class RegoRig(Rig):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self, decision: object) -> Engine:
        return RegoEngine(self._load(decision))

    def change(self, engine: Any, decision: object) -> None:
        engine.swap(self._load(decision))

    def _load(self, decision: object) -> Loaded:
        (self._folder / "p.rego").write_text("package dnspolicy\ndecision := data.given\n")
        given = {} if decision is UNDEFINED else {"given": decision}
        (self._folder / "data.json").write_text(json.dumps(given))
        return load([self._folder], isolated=False)


@pytest.fixture(params=["static", "rego"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    return {"static": StaticRig, "rego": lambda: RegoRig(tmp_path)}[request.param]()


def decide(engine: Engine, seconds: float = 60) -> Verdict | None:
    return asyncio.run(_decide(engine, seconds))


async def _decide(engine: Engine, seconds: float) -> Verdict | None:
    return await engine.decide(question(), time.monotonic() + seconds)


@pytest.mark.parametrize(("decision", "verdict"), GOOD)
def test_every_action_with_what_it_needs(rig: Rig, decision: dict[str, Any], verdict: Verdict) -> None:
    engine = rig.start(decision)
    found = decide(engine)
    assert found is not None
    assert found == decode(json.dumps(decision), engine.revision)
    assert found.action is verdict.action


def test_undefined_is_no_decision(rig: Rig) -> None:
    assert decide(rig.start(UNDEFINED)) is None


@pytest.mark.parametrize(("decision", "place"), BAD)
def test_a_malformed_decision_is_a_bad_reply(rig: Rig, decision: object, place: str) -> None:
    with pytest.raises(EngineBadReply) as problem:
        decide(rig.start(decision))
    assert place in str(problem.value)


def test_a_revision_changes_in_the_middle(rig: Rig) -> None:
    allow = {"action": "allow", "rule": "one", "reason": "why"}
    block = {"action": "block", "rule": "two", "reason": "why"}
    engine = rig.start(allow)
    before, first = decide(engine), engine.revision
    rig.change(engine, block)
    after = decide(engine)
    assert before is not None
    assert after is not None
    assert (before.action, before.revision) == (Action.ALLOW, first)
    assert (after.action, after.revision) == (Action.BLOCK, engine.revision)
    assert engine.revision != first


def test_a_revision_is_short_and_says_nothing_odd(rig: Rig) -> None:
    assert rig.start(UNDEFINED).revision.isalnum()


def test_the_footprint_covers_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text('package dnspolicy\ndecision := 1 if input.client.ip == "a"\n')
    assert RegoEngine(load([tmp_path], isolated=False)).footprint.reads("client", "ip")
    assert StaticEngine(lambda _: None).footprint.reads("client", "ip")
    assert not StaticEngine(None).footprint.reads("client", "ip")


def test_a_deadline_that_has_passed_is_a_time_out(tmp_path: Path) -> None:
    engine = RegoRig(tmp_path).start({"action": "allow", "rule": "r", "reason": "why"})
    with pytest.raises(EngineTimeout):
        decide(engine, seconds=-1)
