"""Roll-out as data: what the table says happens, and a table that says nothing sensible opens nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from dnspolicy.engines.rego import RegoEngine, load
from dnspolicy.model.errors import EngineBadReply, PolicyLoadError
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.spread import bucket, of_client
from dnspolicy.model.target import EXTERNAL
from dnspolicy.model.verdict import Action, Mode, Phase, Verdict
from dnspolicy.policy.input import PolicyInput
from tests.unit.policies.library import POLICIES, Library, rules_in

LIB, ROLLOUT = POLICIES / "lib", POLICIES / "roll-out"
NAME = from_text("www.example")
SITE = """
package dnspolicy

candidates contains {"tier": "default", "action": "allow", "rule": "site/open", "reason": "no policy yet"}

candidates contains {"tier": "admin", "action": "block", "rule": "site/new", "reason": "on trial"}
"""
CLOCK = """
package dnspolicy

edges contains 3600 - (floor(time.now_ns() / 1000000000) % 3600)
"""


def engine(folder: Path, data: Any, *folders: Path, more: str = "") -> RegoEngine:
    (folder / "site.rego").write_text(SITE)
    if more:
        (folder / "more.rego").write_text(more)
    if data is not None:
        (folder / "data.json").write_text(json.dumps(data))
    return RegoEngine(load([LIB, *folders, folder], isolated=False))


def pod(number: int, namespace: str = "acorn") -> Identity:
    return Identity(ClientKind.POD, "", "10.0.0.1", namespace=namespace, pod=f"web-{number}")


def decide(made: RegoEngine, client: Identity) -> Verdict:
    verdict = made.decide_now(PolicyInput(Phase.QUERY, client, Query(NAME, 1, NAME), EXTERNAL), time.monotonic() + 60)
    assert verdict is not None
    return verdict


def test_a_share_is_those_clients_and_grows(tmp_path: Path) -> None:
    before: set[int] = set()
    for percent in (0, 10, 50, 100):
        made = engine(tmp_path, {"rollout": {"rules": {"site/new": {"mode": "enforce", "percent": percent}}}}, ROLLOUT)
        verdicts = {number: decide(made, pod(number)) for number in range(200)}
        blocked = {number for number, verdict in verdicts.items() if verdict.action is Action.BLOCK}
        assert blocked == {number for number in range(200) if bucket(of_client(pod(number))) < percent}
        assert before <= blocked
        assert all(verdicts[n].shadow[0].rule == "site/new" for n in range(200) if n not in blocked)
        before = blocked


def test_a_rule_in_shadow_alone_is_a_decision_in_shadow(tmp_path: Path) -> None:
    rules = {"site/new": {"mode": "shadow"}, "site/open": {"mode": "shadow"}}
    verdict = decide(engine(tmp_path, {"rollout": {"rules": rules}}, ROLLOUT), pod(0))
    assert (verdict.mode, verdict.rule, [would.rule for would in verdict.shadow]) == (
        Mode.SHADOW, "site/new", ["site/open"]
    )  # fmt: skip


@pytest.mark.parametrize(
    "table",
    [
        "shadow",
        {},
        {"rules": []},
        {"rules": {"site/open": {"mode": "open"}}},
        {"rules": {"site/open": {"mode": "enforce", "percent": 101}}},
        {"rules": {"site/open": {"mode": "shadow", "namespaces": {"acorn": []}}}},
    ],
    ids=str,
)
def test_a_bad_table_is_a_bad_decision(tmp_path: Path, table: Any) -> None:
    made = engine(tmp_path, {"rollout": table}, ROLLOUT)
    with pytest.raises(EngineBadReply, match="rollout"):
        decide(made, pod(0))


@pytest.mark.parametrize("table", [{"rules": {"site/new": {"mode": "shadow"}}}, {}, False], ids=str)
def test_a_table_that_nobody_reads_is_refused(tmp_path: Path, table: Any) -> None:
    with pytest.raises(PolicyLoadError) as problem:
        engine(tmp_path, {"rollout": table})
    said = str(problem.value)
    assert said.startswith(f"{tmp_path}/data.json: roll-out data")
    assert "load the folder `roll-out`" in said


def test_a_feed_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site.rego").write_text(SITE)
    with pytest.raises(PolicyLoadError, match=r"^data rollout: .* load the folder `roll-out`"):
        load([LIB, tmp_path], isolated=False, declared=(("rollout",),))
    assert load([LIB, ROLLOUT, tmp_path], isolated=False, declared=(("rollout",),)).declared == (("rollout",),)


@pytest.mark.parametrize("table", [{"rules": {}}, False], ids=str)
def test_elsewhere_a_table_that_nobody_reads_is_a_bad_decision(tmp_path: Path, table: Any) -> None:
    """Open Policy Agent loads it."""
    (tmp_path / "site.rego").write_text(SITE)
    with pytest.raises(EngineBadReply, match="the folder that reads it is not loaded"):
        Library([LIB, tmp_path], {"rollout": table}).decide({})


def test_a_decision_of_a_policy_that_reads_the_clock_ends_at_the_edge(tmp_path: Path) -> None:
    made = engine(tmp_path, None, more=CLOCK)
    assert not made.footprint.timeless
    ttl = decide(made, pod(0)).ttl
    assert ttl is not None
    assert 0 < ttl <= 3600
    assert decide(engine(tmp_path, None, more="package site"), pod(0)).ttl is None


def test_its_own_tests_pass_in_the_embedded_engine() -> None:
    library = Library([LIB, ROLLOUT], {})
    rules = rules_in(ROLLOUT)
    assert rules
    assert [rule for rule in rules if library.evaluate(rule, {}) != "true"] == []


def test_without_the_folder_nothing_of_the_client_is_read_and_with_it_its_numbers(tmp_path: Path) -> None:
    facts = {("namespace",), ("bucket",), ("owner", "bucket"), ("owner", "?")}
    assert engine(tmp_path, None).footprint.client_facts() == frozenset()
    assert engine(tmp_path, None, ROLLOUT).footprint.client_facts() == facts
