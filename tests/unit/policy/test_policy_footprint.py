"""Footprints and projections: equal keys mean that the policy reads equal things."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.model.identity import Identity, Owner
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query, Via
from dnspolicy.policy.footprint import ALWAYS, EXISTS, Footprint, Path, client_projector, projector
from dnspolicy.policy.input import PolicyInput, encode
from tests.unit.policy.questions import ABSENT, PATHS, identities, question, questions, read, variants


@given(questions(), questions(), st.sets(st.sampled_from(PATHS), max_size=4))
def test_equal_keys_mean_equal_reads(a: PolicyInput, b: PolicyInput, paths: set[Path]) -> None:
    project = projector(Footprint(frozenset(paths)))
    one = msgspec.json.decode(encode(a))
    for other in variants(a, b):
        if project(a) == project(other):
            two = msgspec.json.decode(encode(other))
            assert {p: read(one, p) for p in paths} == {p: read(two, p) for p in paths}


@given(questions(), st.sampled_from(PATHS))
def test_a_key_is_hashable_and_the_same_again(asked: PolicyInput, path: Path) -> None:
    project = projector(Footprint(frozenset({path})))
    assert hash(project(asked)) == hash(project(asked))


@given(identities(), identities(), st.sets(st.sampled_from([p[1:] for p in PATHS if p[:1] == ("client",)]), max_size=3))
def test_clients_of_one_class_read_alike(a: Identity, b: Identity, facts: set[Path]) -> None:
    project = client_projector(facts)
    if project(a) == project(b):
        one, two = (
            msgspec.json.decode(encode(msgspec.structs.replace(question(), client=c)))["client"] for c in (a, b)
        )
        assert {p: read(one, p) for p in facts} == {p: read(two, p) for p in facts}


def test_pods_of_a_namespace_share_a_key() -> None:
    project = projector(Footprint(frozenset({("client", "namespace"), ("query", "suffixes")})))
    assert project(question(pod="a", ip="10.0.0.1")) == project(question(pod="b", ip="10.0.0.2"))
    assert project(question(namespace="shop")) != project(question(namespace="other"))
    assert project(question("a.example")) != project(question("b.example"))


@pytest.mark.parametrize("path", [(), ("query",), ("query", "asked"), ("query", "name"), ("query", "suffixes")])
def test_letters_of_the_name_make_no_difference(path: Path) -> None:
    """A resolver may choose them at random, and the document shows them in lower case."""
    plain, mixed = (
        msgspec.structs.replace(question(), query=Query(name, 1, name, via=Via.CNAME))
        for name in map(from_text, ("www.shop.example", "wWw.ShOp.eXAMPLE"))
    )
    project = projector(Footprint(frozenset({path})))
    assert project(plain) == project(mixed)
    assert encode(plain) == encode(mixed)


@pytest.mark.parametrize(
    ("path", "fact"),
    [
        pytest.param(("client", "labels", "app"), {"labels": {"app": "web"}}, id="label"),
        pytest.param(("client", "namespace_labels"), {"namespace_labels": {"team": "a"}}, id="labels"),
        pytest.param(("client", "owner", "kind"), {"owner": Owner("Deployment", "web")}, id="owner"),
        pytest.param(("client", "owner", EXISTS), {"owner": Owner("Deployment", "web")}, id="owner is there"),
        pytest.param(("client",), {"node": "node-1"}, id="client"),
        pytest.param((), {"zone": "zone-1"}, id="everything"),
        pytest.param(("client", "service_account"), {"service_account": "default"}, id="service account"),
    ],
)
def test_a_fact_that_is_read_makes_a_difference(path: Path, fact: dict[str, object]) -> None:
    project = projector(Footprint(frozenset({path})))
    assert project(question()) != project(question(**fact))


def test_a_fact_that_nobody_reads_makes_none() -> None:
    project = projector(Footprint(frozenset({("client", "labels", "app")})))
    assert project(question()) == project(question(labels={"pod-template-hash": "abc"}))


@pytest.mark.parametrize("steps", [("@",), ("@", "shop"), ("@", "shop", "x", "ip")])
def test_a_key_that_no_input_has_is_no_fact(steps: tuple[str, ...]) -> None:
    footprint = Footprint(frozenset({("client", *steps), ("client", "namespace")}))
    assert footprint.client_facts() == {("namespace",)}
    project = projector(footprint)
    assert project(question(pod="a")) == project(question(pod="b"))


def test_a_label_may_have_any_name() -> None:
    project = projector(Footprint(frozenset({("client", "labels", EXISTS)})))
    assert project(question(labels={EXISTS: "a"})) != project(question(labels={EXISTS: "b"}))


def test_all_facts_of_a_client_tell_a_new_pod_from_an_old_one() -> None:
    project = client_projector([()])
    assert project(question(uid="1").client) != project(question(uid="2").client)


def test_no_facts_make_one_class() -> None:
    project = client_projector([])
    assert project(question(namespace="a").client) == project(question(namespace="b").client)


def test_the_key_follows_the_identity_also_after_many_others() -> None:
    project = projector(Footprint(frozenset({("client", "pod")})))
    first = question(pod="first")
    before = project(first)
    for number in range(5_000):
        project(question(pod=str(number)))
    assert project(first) == before


@given(questions())
def test_what_is_said_to_be_always_there_is(asked: PolicyInput) -> None:
    document = msgspec.json.decode(encode(asked))
    assert [p for p in ALWAYS if read(document, p) is ABSENT] == []
