"""The static footprint of policies, and that decisions depend on nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnspolicy.engines.rego import RegoEngine
from dnspolicy.model.errors import EngineBadReply
from dnspolicy.policy.footprint import EXISTS, projector
from dnspolicy.policy.input import PolicyInput
from tests.unit.engines.rego_folders import ALLOW, loaded
from tests.unit.policy.questions import questions, variants

READS = [
    pytest.param("true", [], id="nothing"),
    pytest.param('input.client.namespace == "a"', ["client.namespace"], id="path"),
    pytest.param('input["client"]["namespace"] == "a"', ["client.namespace"], id="brackets"),
    pytest.param('input.client.labels["x/y"] == "a"', ["client.labels.x/y"], id="label"),
    pytest.param('c := input.client\n c.namespace == "a"', ["client.namespace"], id="alias"),
    pytest.param(
        'c := input.client\n l := c.labels\n l.app == "a"',
        ["client.labels.?", "client.labels.app"],
        id="alias of an alias",
    ),
    pytest.param("c := input.client\n count(c) > 3", ["client"], id="alias as a whole"),
    pytest.param("n := input.query.name", [], id="alias that is not used"),
    pytest.param("o := input.client.owner", ["client.owner.?"], id="alias of what may be missing"),
    pytest.param("input.answer", ["answer.?"], id="whether there is an answer"),
    pytest.param("not input.client.owner", ["client.owner.?"], id="whether there is none"),
    pytest.param("c = input.client\n c.namespace", ["client"], id="unification is no alias"),
    pytest.param("some k, v in input.client.labels\n k == v", ["client.labels"], id="iteration"),
    pytest.param('input.client.labels[_] == "a"', ["client.labels"], id="wildcard"),
    pytest.param("k := input.query.type\n input.client.labels[k]", ["client.labels", "query.type"], id="varying index"),
    pytest.param('input.query.labels[0] == "a"', ["query.labels"], id="index by number"),
    pytest.param("f(input.client)", ["client"], id="argument of a function"),
    pytest.param("g(input.client.ip)", ["client.ip", "query.via"], id="function that reads more"),
    pytest.param("count(input.query) > 1", ["query"], id="argument of a builtin"),
    pytest.param(
        'object.get(input, ["client", "labels", "app"], "") == "a"', ["client.labels.app"], id="object.get, path"
    ),
    pytest.param(
        'object.get(input.client.labels, "app", "") == "a"',
        ["client.labels.?", "client.labels.app"],
        id="object.get, key",
    ),
    pytest.param('object.get(input.client.labels, "?", "") == "a"', ["client.labels"], id="object.get, a key called ?"),
    pytest.param(
        'object.get(input.client, ["labels", "?"], "") == "a"', ["client"], id="object.get, a path with a key called ?"
    ),
    pytest.param(
        "object.get(input.client, input.query.type, 1)", ["client", "query.type"], id="object.get, varying key"
    ),
    pytest.param("input", [""], id="all of it"),
    pytest.param("some s in input.query.suffixes\n data.m[s]", ["query.suffixes"], id="suffixes"),
    pytest.param("count({n | some n in input.answer.names}) > 1", ["answer.names"], id="comprehension"),
    pytest.param('every a in input.answer.addresses { a != "x" }', ["answer.addresses"], id="every"),
    pytest.param("helper", ["target.kind"], id="rule"),
    pytest.param("data.dnspolicy.helper", ["target.kind"], id="rule by its path"),
    pytest.param("lib.here", ["target.namespace"], id="import"),
    pytest.param("some p\n data.tenants[p].rule", ["client.pod", "client.zone"], id="rules by a varying package"),
    pytest.param("who.namespace", ["client.namespace"], id="rule that is another name"),
    pytest.param("asked.type", ["query.type"], id="import of the input"),
    pytest.param(
        'input.query.name with input.query as {"name": input.client.ip}', ["client.ip", "query.name"], id="with"
    ),
    pytest.param("data.dnspolicy.lib.there with data.table as input.target", ["target", "target.name"], id="with data"),
    pytest.param("input.client.namespace.deeper", ["client.namespace.deeper"], id="below a text"),
]
MORE = {
    "lib.rego": "package dnspolicy.lib\nhere if input.target.namespace\nthere if input.target.name\n",
    "t1.rego": "package tenants.one\nrule if input.client.pod\n",
    "t2.rego": "package tenants.two\nrule if input.client.zone\nother if input.client.node\n",
    "data.json": '{"m": {"a": 1}}',
}
HEAD = """
import data.dnspolicy.lib
import input.query as asked

helper if input.target.kind
unused if input.client.why
who := input.client
f(x) if x
g(x) if { x; input.query.via }
"""


def policy(body: str) -> str:
    return f"{HEAD}\ndecision := {ALLOW} if {{\n {body}\n}}\n"


@pytest.mark.parametrize(("body", "paths"), READS)
def test_footprint(tmp_path: Path, body: str, paths: list[str]) -> None:
    found = loaded(tmp_path, policy(body), **MORE).footprint
    assert sorted(".".join(p) for p in found.paths) == sorted(p for p in paths if not _covered(p, paths))
    assert found.timeless


def _covered(path: str, paths: list[str]) -> bool:
    """Whether a shorter path stands for this one."""
    return any(path.startswith(other + ".") for other in paths)


def test_exists_is_written_as_a_question_mark() -> None:
    assert EXISTS == "?"


@pytest.mark.parametrize(
    ("body", "timeless"),
    [
        pytest.param("time.now_ns() > 0", False, id="clock"),
        pytest.param("time.clock(0)[0] == 0", True, id="time of a constant"),
        pytest.param("true with data.x as time.now_ns()", False, id="clock in a with"),
    ],
)
def test_a_clock_is_noticed(tmp_path: Path, body: str, timeless: bool) -> None:
    assert loaded(tmp_path, policy(body)).footprint.timeless is timeless


STATEMENTS = [
    'input.client.namespace == "shop"',
    'input.client.labels.app == "a"',
    'not input.client.labels.app == "b"',
    "not input.client.owner",
    'c := input.client\n c.zone == "a"',
    "o := input.client.owner\n o.kind == o.name",
    "p := input.client.owner\n not p.kind == p.name",
    "some k, v in input.client.namespace_labels\n k == v",
    'some s in input.query.suffixes\n s == "a"',
    "count(input.query.labels) == 2",
    "input.query.name == input.query.asked",
    "input.target.namespace == input.client.namespace",
    "not input.target.exists",
    'input.target.namespace_labels.team == "a"',
    "some e in input.target.endpoints\n e.node == input.client.node",
    'object.get(input, ["client", "labels", "team"], "b") == "b"',
    'object.get(input.target.labels, "app", "a") == "a"',
    "not input.answer",
    'some a in input.answer.addresses\n a == "shop"',
    'input.query.type == "A"',
    "same(input.client)",
    "count(input.target) > 4",
    "who.pod == input.target.name",
]
TAIL = "\nsame(c) if c.namespace == c.pod\n\nwho := input.client\n"


@st.composite
def policies(draw: st.DrawFn) -> str:
    """Three rules of up to two random statements each, the first that holds decides."""
    rules = []
    for number in range(3):
        body = "\n ".join(draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=2, unique=True)))
        value = f'{{"action": "allow", "rule": "r{number}", "reason": "why"}}'
        rules.append(f"{value} if {{\n {body}\n}}")
    return "decision := " + " else := ".join(rules) + TAIL


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(policies(), questions(), questions())
def test_equal_projections_mean_equal_decisions(tmp_path: Path, rego: str, a: PolicyInput, b: PolicyInput) -> None:
    made = loaded(tmp_path, rego)
    project, engine = projector(made.footprint), RegoEngine(made)
    expected = _decides(engine, a)
    for other in variants(a, b):
        if project(other) == project(a):
            assert _decides(engine, other) == expected


def _decides(engine: RegoEngine, asked: PolicyInput) -> object:
    try:
        return engine.decide_now(asked, time.monotonic() + 60)
    except EngineBadReply as problem:
        return str(problem)


def test_a_label_named_as_the_mark_is_no_mark(tmp_path: Path) -> None:
    made = loaded(tmp_path, policy('input.client.labels["?"] == "a"'))
    assert made.footprint.paths == {("client", "labels")}
