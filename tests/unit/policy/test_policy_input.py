"""The input document."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given

from dnspolicy.model.identity import ClientKind, Identity, Owner
from dnspolicy.model.name import ROOT, from_text
from dnspolicy.model.query import Query, Via
from dnspolicy.model.target import EXTERNAL, Target, TargetEndpoint, TargetKind
from dnspolicy.model.verdict import Phase
from dnspolicy.policy.document import InputDocument
from dnspolicy.policy.input import AnswerFacts, PolicyInput, encode, schema
from tests.unit.policy.questions import question, questions


def document(asked: PolicyInput) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(encode(asked))
    return found


def with_target(target: Target) -> dict[str, Any]:
    found: dict[str, Any] = document(msgspec.structs.replace(question(), target=target))["target"]
    return found


def test_a_pod_that_is_fully_known() -> None:
    client = Identity(
        ClientKind.POD, "address of a live pod", "10.1.2.3", "shop", "web-0", "uid-1", {"app": "web"}, {"team": "a"},
        "default", "node-1", "zone-1", Owner("Deployment", "web"),
    )  # fmt: skip
    found = document(msgspec.structs.replace(question(), client=client))["client"]
    assert found == {
        "kind": "pod",
        "why": "address of a live pod",
        "ip": "10.1.2.3",
        "bucket": 9,
        "hash": 4030254051,
        "namespace": "shop",
        "pod": "web-0",
        "labels": {"app": "web"},
        "namespace_labels": {"team": "a"},
        "service_account": "default",
        "node": "node-1",
        "zone": "zone-1",
        "owner": {"kind": "Deployment", "name": "web", "bucket": 33},
    }


def test_what_is_not_known_is_absent() -> None:
    stranger = Identity(ClientKind.EXTERNAL, "no address of the cluster", "198.51.100.7")
    found = document(PolicyInput(Phase.QUERY, stranger, Query(ROOT, 1, ROOT), EXTERNAL))
    assert found["client"] == {
        "kind": "external",
        "why": "no address of the cluster",
        "ip": "198.51.100.7",
        "bucket": 92,
        "hash": 3339599702,
    }
    assert found["target"] == {"kind": "external"}
    assert "answer" not in found


def test_a_pod_without_labels_has_an_empty_object() -> None:
    found = document(question())["client"]
    assert found["labels"] == {}
    assert found["namespace_labels"] == {}


def test_the_query_part() -> None:
    name, asked = from_text("Api.Shop"), from_text("api")
    found = document(msgspec.structs.replace(question(), query=Query(name, 65280, asked, 17, via=Via.REWRITE)))["query"]
    assert found == {
        "name": "api.shop",
        "labels": ["api", "shop"],
        "suffixes": ["api.shop", "shop"],
        "asked": "api",
        "via": "rewrite",
        "type": "TYPE65280",
        "class": "CLASS17",
        "transport": "udp",
    }


@pytest.mark.parametrize(
    ("text", "labels", "suffixes"),
    [
        pytest.param(".", [], ["."], id="root"),
        pytest.param("com", ["com"], ["com"], id="one label"),
        pytest.param("a\\.b.c", ["a\\046b", "c"], ["a\\046b.c", "c"], id="dot in a label"),
        pytest.param('"\\092x.c', ["\\034\\092x", "c"], ["\\034\\092x.c", "c"], id="quote and backslash"),
        pytest.param("\\000\\255.c", ["\\000\\255", "c"], ["\\000\\255.c", "c"], id="odd bytes"),
    ],
)
def test_labels_and_suffixes(text: str, labels: list[str], suffixes: list[str]) -> None:
    found = document(question(text))["query"]
    assert (found["labels"], found["suffixes"]) == (labels, suffixes)
    assert found["name"] == suffixes[0]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param(
            Target(TargetKind.SERVICE, "shop", "db"),
            {"kind": "service", "namespace": "shop", "name": "db", "exists": False},
            id="service that is not there",
        ),
        pytest.param(
            Target(TargetKind.SERVICE, "shop", "db", exists=True),
            {
                "kind": "service", "namespace": "shop", "name": "db", "labels": {}, "namespace_labels": {},
                "exists": True, "endpoints": [],
            },
            id="service without endpoints",
        ),
        pytest.param(Target(TargetKind.NONE), {"kind": "none", "exists": False}, id="none"),
        pytest.param(
            Target(TargetKind.SERVICE, endpoints=(TargetEndpoint("10.0.0.1", pod="db-0"),)),
            {
                "kind": "service", "exists": False,
                "endpoints": [{"ip": "10.0.0.1", "hash": 2108532724, "pod": "db-0", "labels": {}}],
            },
            id="endpoint",
        ),
    ],
)  # fmt: skip
def test_targets(target: Target, expected: dict[str, Any]) -> None:
    assert with_target(target) == expected


def test_the_answer_part() -> None:
    asked = msgspec.structs.replace(
        question(), phase=Phase.RESPONSE, answer=AnswerFacts("NOERROR", ("a.b",), ("192.0.2.1",), "forward")
    )
    found = document(asked)
    assert found["phase"] == "response"
    assert found["answer"] == {
        "rcode": "NOERROR", "names": ["a.b"], "addresses": ["192.0.2.1"], "from": "forward",
    }  # fmt: skip


@given(questions())
def test_every_document_is_what_the_structs_describe(asked: PolicyInput) -> None:
    found = msgspec.json.decode(encode(asked), type=InputDocument)
    assert found.query.suffixes[0] == found.query.name == str(asked.query.name)
    assert ".".join(found.query.labels) == ("" if not asked.query.name.labels else found.query.name)
    assert found.client.ip == asked.client.ip


@given(questions())
def test_every_document_satisfies_the_schema(asked: PolicyInput) -> None:
    jsonschema.validate(document(asked), schema()["input"])


def test_the_schema_refuses_other_documents() -> None:
    for wrong in ({}, {**document(question()), "extra": 1}, {**document(question()), "version": 2}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema()["input"])
