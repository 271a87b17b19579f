"""The operator's policy and those of namespaces together."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.objects import Thing
from dnspolicy.engines.rego import Loaded, RegoEngine, load
from dnspolicy.engines.rego.binding import Binding, available, preferred
from dnspolicy.engines.tiers import Policies, TieredEngine
from dnspolicy.engines.tiers.budget import BURST, Budget
from dnspolicy.engines.tiers.combine import may_be_narrowed, narrowed
from dnspolicy.engines.tiers.holder import Holder
from dnspolicy.engines.tiers.sight import encode
from dnspolicy.model.errors import EngineBadReply, EngineTimeout, EngineUnavailable, PolicyLoadError
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.target import EXTERNAL, Target, TargetEndpoint, TargetKind
from dnspolicy.model.verdict import Action, Mode, Phase, Verdict, Would
from dnspolicy.policy.footprint import projector
from dnspolicy.policy.input import PolicyInput
from dnspolicy.policy.settings.tenants import Tenants
from dnspolicy.testing.static import StaticEngine

ALLOW = Verdict(Action.ALLOW, "op/allow", "allowed", revision="op")
BLOCK = Verdict(Action.BLOCK, "op/block", "blocked", revision="op")
OWN_BLOCK = Verdict(Action.BLOCK, "no", "own", revision="own", ttl=9)
SETTINGS = Tenants(configmap="dns-policy", final=("op/final*",), addresses=("192.0.2.0/24", "2001:db8::/32"))
native = pytest.mark.skipif(
    preferred() is not Binding.NATIVE or not available(Binding.NATIVE),
    reason="the native binding is not there; `make native` builds it",
)


def rule(body: str, head: str = '{"action": "block", "rule": "no", "reason": "own"}') -> str:
    return f"package dnspolicy\n\ndecision := {head} if {{\n\t{body}\n}}\n"


def pod(namespace: str, name: str = "web-0", **labels: str) -> Identity:
    return Identity(
        ClientKind.POD, "pod", "10.0.0.1", namespace, name, labels=labels, namespace_labels={"t": namespace}
    )


def asks(client: Identity, name: str = "www.example", target: Target = EXTERNAL) -> PolicyInput:
    asked = from_text(name)
    return PolicyInput(Phase.QUERY, client, Query(asked, 1, asked), target)


def trusting(folders: object, **options: Any) -> Loaded:
    """Loads in this process, with whatever binding there is."""
    del options["apart"]
    return load((), **{**options, "trusted": True}, isolated=False)


class Here:
    """Evaluates in this process, and so without end where the process apart would be ended."""

    def __init__(self) -> None:
        self._holder = Holder(0.05)
        self._slots = count(1)
        self.lacking = False

    async def put(self, namespace: str, loaded: Loaded) -> int:
        if self.lacking:
            raise EngineUnavailable("no room")
        slot = next(self._slots)
        self._holder.put(slot, namespace, loaded)
        return slot

    async def ask(self, slot: int, document: bytes, deadline: float, seconds: float) -> bytes | None:
        return self._holder.reply(slot, document, min(deadline, time.monotonic() + seconds))

    def forget(self, slot: int) -> None:
        self._holder.forget(slot)

    async def close(self) -> None:
        """Nothing to end."""


def things(texts: Mapping[str, str | Mapping[str, str]]) -> dict[str, Thing]:
    found = {}
    for space, said in texts.items():
        data = {"policy.rego": said} if isinstance(said, str) else said
        found[space] = Thing(space, "dns-policy", json.dumps({"data": data}).encode())
    return found


class Tiers:
    def __init__(
        self, operator: Any = ALLOW, settings: Tenants | None = None, loads: Any = trusting, **texts: Any
    ) -> None:
        self.said: list[tuple[str, str]] = []
        self.changes = 0
        self.metrics = Metrics()
        self.here = Here()
        slow = settings or msgspec.structs.replace(SETTINGS, timeout=1.0)
        self.policies = Policies(
            slow, metrics=self.metrics, said=lambda space, why: self.said.append((space, why)), loads=loads,
            evaluator=self.here,
        )  # fmt: skip
        inner = StaticEngine(operator, revision="op") if isinstance(operator, Verdict | None) else operator
        self.engine = TieredEngine(inner, self.policies, slow, time.monotonic)
        if texts:
            self.take(**texts)

    def take(self, **texts: Any) -> None:
        asyncio.run(self.policies.take(things(texts), self._changed))

    def _changed(self) -> None:
        self.changes += 1

    def decide(self, question: PolicyInput) -> Verdict | None:
        return asyncio.run(self.engine.decide(question, time.monotonic() + 5.0))


def test_a_namespace_narrows_for_its_own_clients_only() -> None:
    tiers = Tiers(lab=rule("true"))
    found = tiers.decide(asks(pod("lab")))
    assert found is not None
    assert (found.action, found.rule) == (Action.BLOCK, "tenant:lab/no")
    assert tiers.decide(asks(pod("shop"))) is ALLOW


@pytest.mark.parametrize(
    ("said", "own", "expected"),
    [
        pytest.param(ALLOW, None, ALLOW, id="nothing of its own"),
        pytest.param(ALLOW, Verdict(Action.ALLOW, "x", "x"), ALLOW, id="its allow adds nothing"),
        pytest.param(None, None, None, id="nobody says anything"),
        pytest.param(None, Verdict(Action.ALLOW, "x", "x"), None, id="its allow is none where nobody allows"),
        pytest.param(None, Verdict(Action.BLOCK, "x", "x", mode=Mode.SHADOW), None, id="nothing to be in shadow of"),
    ],
)
def test_what_changes_nothing(said: Verdict | None, own: Verdict | None, expected: Verdict | None) -> None:
    assert narrowed(said, own, "lab", SETTINGS, True) is expected


def test_what_the_operator_said_is_kept_where_it_bounds() -> None:
    said = Verdict(
        Action.ALLOW, "op/allow", "x", ttl=5, revision="op", shadow=(Would(Action.BLOCK, "op/soon", "x"),)
    )  # fmt: skip
    own = Verdict(
        Action.BLOCK, "no", "own", ttl=60, revision="own", shadow=(Would(Action.BLOCK, "soon", "x"),)
    )  # fmt: skip
    found = narrowed(said, own, "lab", SETTINGS, False)
    assert found is not None
    assert (found.ttl, found.holds, found.revision) == (5, 5.0, "op+own")
    assert [would.rule for would in found.shadow] == ["op/soon", "tenant:lab/soon"]


def test_a_rule_in_shadow_is_listed_and_decides_nothing() -> None:
    own = Verdict(Action.BLOCK, "no", "own", mode=Mode.SHADOW)
    found = narrowed(ALLOW, own, "lab", SETTINGS, True)
    assert found is not None
    assert found.action is Action.ALLOW
    assert found.shadow == (Would(Action.BLOCK, "tenant:lab/no", "own"),)


def test_a_decision_of_the_operators_that_reads_the_clock_bounds_silence_too() -> None:
    found = narrowed(None, OWN_BLOCK, "lab", SETTINGS, False)
    assert found is not None
    assert found.holds == 0.0


@pytest.mark.parametrize(
    "said",
    [
        BLOCK,
        Verdict(Action.REDIRECT, "op/there", "x", addresses=("10.0.0.9",)),
        Verdict(Action.REWRITE, "op/name", "x", name=from_text("x")),
        Verdict(Action.ALLOW, "op/final/dns", "x"),
    ],
    ids=["block", "redirect", "rewrite", "final"],
)
def test_what_cannot_be_narrowed(said: Verdict) -> None:
    assert not may_be_narrowed(said, SETTINGS)
    tiers = Tiers(said, lab=rule("true"))
    assert tiers.decide(asks(pod("lab"))) is said


@pytest.mark.parametrize(
    ("said", "own"),
    [
        pytest.param(ALLOW, {"action": "redirect", "upstream": "192.0.2.1"}, id="upstream"),
        pytest.param(ALLOW, {"action": "redirect", "cname": "x.example"}, id="cname"),
        pytest.param(ALLOW, {"action": "redirect", "addresses": ["192.0.2.1", "10.0.0.1"]}, id="address"),
        pytest.param(ALLOW, {"action": "redirect", "addresses": ["::ffff:10.0.0.1"]}, id="mapped address"),
        pytest.param(ALLOW, {"action": "block", "as": "sinkhole", "addresses": ["10.0.0.1"]}, id="sinkhole"),
        pytest.param(None, {"action": "rewrite", "name": "x.example"}, id="a rewrite of what nobody allows"),
        pytest.param(None, {"action": "redirect", "addresses": ["192.0.2.1"]}, id="a redirect of it"),
        pytest.param(ALLOW, {"action": "permit"}, id="nonsense"),
    ],
)
def test_what_a_namespace_may_not_say_is_a_failure(said: Verdict | None, own: dict[str, Any]) -> None:
    tiers = Tiers(said, lab=rule("true", json.dumps({**own, "rule": "x", "reason": "x"})))
    with pytest.raises(EngineBadReply, match="the policy of namespace lab: "):
        tiers.decide(asks(pod("lab")))
    assert tiers.metrics.counter("dnspolicy_tenant_failures_total", "", ("namespace", "kind")).values == {
        ("lab", "bad_reply"): 1.0
    }
    assert tiers.decide(asks(pod("shop"))) is said


@pytest.mark.parametrize("address", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "0.0.0.0", "::"])
def test_addresses_it_may_lead_to(address: str) -> None:
    assert SETTINGS.may_lead_to(address)


def shown(question: PolicyInput) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode(question))
    return found


@pytest.mark.parametrize(
    ("namespace", "labels"), [("lab", {"app": "db"}), ("shop", None)], ids=["its own", "another's"]
)
def test_what_it_sees_of_a_target(namespace: str, labels: dict[str, str] | None) -> None:
    endpoints = (TargetEndpoint("10.0.0.5", "db-0"),)
    target = Target(TargetKind.SERVICE, namespace, "db", {"app": "db"}, {"team": "a"}, True, endpoints)
    found = shown(asks(pod("lab"), "db.x", target))["target"]
    assert found.get("labels") == labels
    assert ("namespace_labels" in found) is (labels is not None)
    assert "endpoints" not in found
    assert found["exists"] is True


def test_before_anything_is_known_nothing_is_allowed() -> None:
    tiers = Tiers()
    assert tiers.engine.not_ready()
    with pytest.raises(EngineUnavailable):
        tiers.decide(asks(pod("lab")))
    assert tiers.decide(asks(Identity(ClientKind.HOST, "node", "10.0.0.9"))) is ALLOW
    tiers.take()
    assert tiers.engine.not_ready() is None
    assert tiers.decide(asks(pod("lab"))) is ALLOW


def test_a_broken_policy_hurts_its_namespace_only_and_the_last_good_one_stays() -> None:
    tiers = Tiers(lab="package dnspolicy\n\nnothing like Rego", shop=rule("true"))
    with pytest.raises(EngineUnavailable, match="namespace lab"):
        tiers.decide(asks(pod("lab")))
    found = tiers.decide(asks(pod("shop")))
    assert found is not None
    assert found.rule == "tenant:shop/no"
    assert [space for space, _ in tiers.said] == ["lab"]
    tiers.take(lab=rule("true"), shop="package dnspolicy\n\nnothing like Rego")
    for space in ("lab", "shop"):
        found = tiers.decide(asks(pod(space)))
        assert found is not None
        assert found.rule == f"tenant:{space}/no"
    tiers.take(lab=rule("true"))
    assert tiers.decide(asks(pod("shop"))) is ALLOW


def test_a_policy_that_could_not_be_made_ready_is_tried_again() -> None:
    tiers = Tiers()
    tiers.here.lacking = True
    tiers.take(lab=rule("true"))
    states = [tiers.policies.unfinished]
    tiers.here.lacking = False
    tiers.take(lab=rule("true"))
    assert [*states, tiers.policies.unfinished] == [True, False]
    assert tiers.said == [("lab", "no room")]
    assert tiers.decide(asks(pod("lab"))) is not ALLOW


def test_a_policy_that_could_not_be_made_ready_and_is_taken_away_stands_in_no_way() -> None:
    tiers = Tiers()
    tiers.here.lacking = True
    tiers.take(lab=rule("true"))
    tiers.take()
    assert not tiers.policies.unfinished
    assert tiers.decide(asks(pod("lab"))) is ALLOW


def test_one_change_is_no_change_for_others() -> None:
    tiers = Tiers(lab=rule('input.query.name == "a"'), shop=rule("input.client.labels.app"))
    questions = [asks(pod("lab")), asks(pod("shop")), asks(pod("cedar"))]
    before = [projector(tiers.engine.footprint)(question) for question in questions]
    revision = tiers.engine.revision
    tiers.take(lab=rule('input.query.name == "b"'), shop=rule("input.client.labels.app"))
    after = [projector(tiers.engine.footprint)(question) for question in questions]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, True]
    assert tiers.engine.revision == revision


def test_what_one_namespace_reads_makes_no_classes_of_others() -> None:
    tiers = Tiers(lab=rule("input.client.pod"))
    project = projector(tiers.engine.footprint)
    assert project(asks(pod("lab", "a"))) != project(asks(pod("lab", "b")))
    assert project(asks(pod("shop", "a"))) == project(asks(pod("shop", "b")))


BODIES = (
    "true",
    'input.client.labels.app == "x"',
    'input.query.name == "a.example"',
    'input.target.labels.app == "x"',
    "not input.target.exists",
    'input.target.namespace_labels.t == "lab"',
    'input.client.owner.name == "web"',
    "count(input.target) > 2",
    "count(input.client.labels) > 1",
    'input.target.kind == "service"; input.client.pod == "a"',
    'input.phase == "response"',
    "input.target.endpoints",
)
CLIENTS = st.builds(
    pod, st.sampled_from(["lab", "shop", "cedar"]), st.sampled_from(["a", "b"]),
    app=st.sampled_from(["x", "y"]), team=st.sampled_from(["x", "y"]),
)  # fmt: skip
TARGETS = st.one_of(
    st.just(EXTERNAL),
    st.builds(
        lambda space, app, exists: Target(
            TargetKind.SERVICE, space, "db", {"app": app} if exists else {}, {"t": space}, exists,
            (TargetEndpoint("10.0.0.5", "db-0"),) if exists else (),
        ),
        st.sampled_from(["lab", "shop"]), st.sampled_from(["x", "y"]), st.booleans(),
    ),
)  # fmt: skip
QUESTIONS = st.builds(asks, CLIENTS, st.sampled_from(["a.example", "b.example"]), TARGETS)
OPERATORS = (rule('input.query.name == "b.example"'), rule("input.client.pod"), rule("input.target.labels.app"))


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> list[RegoEngine]:
    """Policies of operators, which allow what they do not block."""
    found = []
    for number, text in enumerate(OPERATORS):
        path: Path = tmp_path_factory.mktemp("op") / f"{number}.rego"
        path.write_text(text + '\ndefault decision := {"action": "allow", "rule": "op", "reason": "op"}\n')
        found.append(RegoEngine(load([path], isolated=False)))
    return found


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_remembered_is_what_would_be_decided(engines: list[RegoEngine], data: st.DataObject) -> None:
    texts = {space: rule(data.draw(st.sampled_from(BODIES))) for space in ("lab", "shop")}
    tiers = Tiers(data.draw(st.sampled_from(engines)), **texts)
    remembered: dict[object, Verdict | None] = {}
    for _ in range(2):
        project = projector(tiers.engine.footprint)
        for question in data.draw(st.lists(QUESTIONS, min_size=2, max_size=12)):
            decided = tiers.decide(question)
            key = project(question)
            assert remembered.setdefault(key, decided) == decided
        tiers.take(**{**texts, data.draw(st.sampled_from(["lab", "cedar"])): rule(data.draw(st.sampled_from(BODIES)))})


@pytest.mark.parametrize(
    "body",
    [
        "time.now_ns() > 5",
        'rand.intn("x", 5) == 1',
        'http.send({"method": "get", "url": "http://127.0.0.1"}).status_code == 200',
    ],
    ids=["clock", "chance", "http.send"],
)  # fmt: skip
def test_what_is_refused(body: str) -> None:
    tiers = Tiers(lab=rule(body))
    assert [space for space, _ in tiers.said] == ["lab"]


def test_data_beside_the_rules() -> None:
    tiers = Tiers(lab={"policy.rego": rule("data.names[input.query.name]"), "data.json": '{"names": {"a.x": true}}'})
    found = tiers.decide(asks(pod("lab"), "a.x"))
    assert found is not None
    assert found.action is Action.BLOCK
    assert tiers.decide(asks(pod("lab"), "b.x")) is ALLOW


@pytest.mark.parametrize(
    "text",
    [
        'package dnspolicy\n\ndecision := {"action": "allow", "rule": "x", "reason": "x"}\n',
        'package dnspolicy.candidates\n\nx := 1\n',
        'package tenant_isolation\n\nplatform := {"lab": true}\n',
    ],
    ids=["decision", "candidates", "data of a policy"],
)  # fmt: skip
def test_packages_of_the_operators_are_its_own_affair(text: str) -> None:
    """Whatever a namespace defines, the operator's block stays one."""
    tiers = Tiers(BLOCK, lab={"a.rego": text, "b.rego": rule("true")} if "decision" not in text else text)
    assert tiers.decide(asks(pod("lab"))) is BLOCK


def test_nothing_of_others_can_be_read() -> None:
    body = "count(data.tenant_isolation) > 0"
    tiers = Tiers(lab=rule(body), shop={"p.rego": rule("true"), "data.json": '{"tenant_isolation": {"a": 1}}'})
    assert tiers.decide(asks(pod("lab"))) is ALLOW


def test_too_much_text_is_refused() -> None:
    tiers = Tiers(lab=rule("true") + "# " + "x" * (1 << 20))
    assert tiers.said[0][1].startswith("more than 262144 bytes")


def test_only_namespaces_that_may_have_a_policy() -> None:
    settings = Tenants(configmap="dns-policy", namespaces=("team-*",), timeout=1.0)  # type: ignore[arg-type]
    tiers = Tiers(settings=settings, **{"team-a": rule("true"), "kube-system": rule("true")})
    assert tiers.decide(asks(pod("kube-system"))) is ALLOW
    found = tiers.decide(asks(pod("team-a")))
    assert found is not None
    assert found.action is Action.BLOCK


def test_a_budget_is_spent_and_comes_back() -> None:
    budget = Budget(0.05, 0.0)
    budget.spend(BURST + 0.01)
    assert budget.empty(0.1)
    assert not budget.empty(1.0)


def test_without_the_native_binding_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DNSPOLICY_REGO", "wheel")
    with pytest.raises(PolicyLoadError, match="make native"):
        load((), trusted=False)


LOOP = """package dnspolicy

decision := {"action": "block", "rule": "no", "reason": "x"} if {
	input.query.name == "loop.example"
	count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a + b == 0]) > 0
}
"""
HOARD = """package dnspolicy

decision := {"action": "block", "rule": "no", "reason": "x"} if {
	input.query.name == "hoard.example"
	count([[a, b] | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000)]) > 0
}
"""


@native
@pytest.mark.parametrize(
    ("text", "name", "error"),
    [
        pytest.param(LOOP, "loop.example", EngineTimeout, id="loop"),
        pytest.param(HOARD, "hoard.example", (EngineTimeout, EngineBadReply), id="memory"),
    ],
)
def test_a_hostile_policy_is_stopped_and_others_are_asked(text: str, name: str, error: Any) -> None:
    settings = Tenants(configmap="dns-policy", timeout=0.2, memory=1 << 20)  # type: ignore[arg-type]
    tiers = Tiers(settings=settings, loads=load, lab=text, shop=rule("true"))
    assert tiers.said == []
    for _ in range(5):
        with pytest.raises(error):
            tiers.decide(asks(pod("lab"), name))
    found = tiers.decide(asks(pod("shop"), name))
    assert found is not None
    assert found.rule == "tenant:shop/no"


@native
def test_a_policy_that_never_ends_at_the_check_is_refused_and_the_next_is_checked() -> None:
    endless = rule("count([1 | some a in numbers.range(1, 90000); some b in numbers.range(1, 90000); a + b == 0]) > 0")
    tiers = Tiers(loads=load, lab=endless, shop=rule("true"))
    assert [space for space, _ in tiers.said] == ["lab"]
    assert "took longer" in tiers.said[0][1]
    assert tiers.decide(asks(pod("shop"))) is not ALLOW
