"""What travels over gRPC: the input, typed, and the decision, read strictly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from hypothesis import given, settings

import dnspolicy
from dnspolicy.engines.grpc.decode import Unreached, reply_of
from dnspolicy.engines.grpc.encode import body, client_bytes, item, request
from dnspolicy.engines.grpc.paths import read_paths, write_paths
from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.vary import VaryCache
from dnspolicy.engines.grpc.words import CLIENTS, PHASES, TARGETS, TRANSPORTS, VIAS, words
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.policy import document as documents
from dnspolicy.policy.document import InputDocument
from dnspolicy.policy.footprint import EVERYTHING, Footprint, projector
from dnspolicy.policy.input import PolicyInput, encode
from tests.unit.policy.questions import question, questions

ROOT = Path(dnspolicy.__file__).parent.parent
WORDS: dict[str, dict[int, Any]] = {
    "phase": words(PHASES),
    "client.kind": words(CLIENTS),
    "query.via": words(VIAS),
    "query.transport": words(TRANSPORTS),
    "target.kind": words(TARGETS),
}


def document(message: pb.CheckRequest) -> dict[str, Any]:
    """The input document that a request stands for, made from nothing but its fields by name."""
    found = {"version": 1, **_plain(message, "")}
    return {key: value for key, value in found.items() if key not in ("request_id", "budget_us")}


def _plain(message: Message, place: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        where = f"{place}{field.name}"
        if where in WORDS:
            found[field.name] = WORDS[where][value].value
        elif field.message_type is None:
            found[field.name] = list(value) if field.is_repeated else value
        elif field.message_type.name == "Labels":
            found[field.name] = dict(value.entries)
        elif field.message_type.name == "Alarms":
            found[field.name] = {domain: _plain(alarm, f"{where}.") for domain, alarm in value.entries.items()}
        elif field.message_type.name == "Endpoints":
            found[field.name] = [_plain(entry, f"{where}.") for entry in value.entries]
        else:
            found[field.name] = _plain(value, f"{where}.")
    return found


@settings(max_examples=300, deadline=None)
@given(questions())
def test_a_request_is_the_input_document_field_by_field(asked: PolicyInput) -> None:
    message = pb.CheckRequest.FromString(request(body(asked), 7, 0.02))
    assert (message.request_id, message.budget_us) == (7, 20_000)
    assert document(message) == json.loads(encode(asked))


def test_the_protocol_has_every_field_of_the_input() -> None:
    described = pb.CheckRequest.DESCRIPTOR.fields_by_name
    assert set(InputDocument.__struct_encode_fields__) - {"version"} == set(described) - {"request_id", "budget_us"}
    for name, kind in InputDocument.__annotations__.items():
        if name not in ("version", "phase"):
            document = next(c for c in _documents() if c.__name__ in str(kind))
            assert set(document.__struct_encode_fields__) == set(described[name].message_type.fields_by_name)


def _documents() -> list[Any]:
    return [getattr(documents, name) for name in dir(documents) if name.endswith("Document")]


def test_requests_after_each_other_are_a_batch() -> None:
    long = question(labels={"app": "x" * 300, "other": "y" * 20_000})
    parts = [request(body(one), number) for number, one in enumerate((question(), long, question("b.example")))]
    batch = pb.CheckBatchRequest.FromString(b"".join(map(item, parts)))
    assert [r.query.name for r in batch.requests][2] == "b.example"
    assert [r.request_id for r in batch.requests] == [0, 1, 2]
    assert len(batch.requests[1].client.labels.entries["other"]) == 20_000


def test_what_is_left_fits_whatever_it_is() -> None:
    assert pb.CheckRequest.FromString(request(b"", 1, -5)).budget_us == 0
    assert pb.CheckRequest.FromString(request(b"", 1, 1e9)).budget_us == 2**32 - 1


def said(**fields: Any) -> pb.CheckResponse:
    return pb.CheckResponse(rule="r", reason="why", **fields)


@pytest.mark.parametrize(
    ("response", "place"),
    [
        pytest.param(said(), "$.result", id="nothing"),
        pytest.param(pb.CheckResponse(allow=pb.Allow(), reason="why"), "$.rule", id="no rule"),
        pytest.param(pb.CheckResponse(allow=pb.Allow(), rule="r"), "$.reason", id="no reason"),
        pytest.param(said(block=pb.Block(**{"as": 0})), "$.as", id="block as 0"),
        pytest.param(said(block=pb.Block(**{"as": 99})), "$.as", id="block as 99"),
        pytest.param(said(allow=pb.Allow(), mode=0), "$.mode", id="mode 0"),
        pytest.param(said(allow=pb.Allow(), mode=99), "$.mode", id="mode 99"),
        pytest.param(said(allow=pb.Allow(), audit=0), "$.audit", id="audit 0"),
        pytest.param(said(allow=pb.Allow(), audit=-1), "$.audit", id="audit -1"),
        pytest.param(said(allow=pb.Allow(), shadow=[pb.Would(rule="r", reason="w")]), "shadow", id="would do nothing"),
        pytest.param(said(allow=pb.Allow(), ttl=86401), "$.ttl", id="long ttl"),
        pytest.param(said(rewrite=pb.Rewrite()), "$.name", id="rewrite to nothing"),
        pytest.param(said(redirect=pb.Redirect()), "exactly one", id="redirect to nothing"),
        pytest.param(said(redirect=pb.Redirect(cname="")), "$.cname", id="redirect to an empty name"),
        pytest.param(said(allow=pb.Allow(), revision="a b"), "$.revision", id="a space in a revision"),
        pytest.param(said(allow=pb.Allow(), revision="x" * 129), "$.revision", id="a long revision"),
        pytest.param(said(allow=pb.Allow(), cache=pb.Cache(max_age=-1)), "$.cache.max_age", id="an age below 0"),
        pytest.param(said(allow=pb.Allow(), cache=pb.Cache(max_age=float("nan"))), "$.cache.max_age", id="no age"),
        pytest.param(
            said(allow=pb.Allow(), cache=pb.Cache(vary=pb.Paths(paths=[pb.Path(steps=["client", "nmespace"])]))),
            "$.cache.vary",
            id="vary by what is not there",
        ),
        pytest.param(said(error=pb.Status()), "status 0", id="an error that is none"),
        pytest.param(said(error=pb.Status(code=13, message="a\nb")), "a\\nb", id="an internal error"),
        pytest.param(said(error=pb.Status(code=999)), "999", id="an unknown error"),
    ],
)
def test_what_is_no_decision_is_a_bad_reply(response: pb.CheckResponse, place: str) -> None:
    with pytest.raises(EngineBadReply) as problem:
        reply_of(response, "one")
    assert place in str(problem.value)


@pytest.mark.parametrize(
    ("code", "error"), [(14, Unreached), (4, EngineTimeout), (8, EngineUnavailable), (16, EngineUnavailable)]
)
def test_errors_are_of_their_kind(code: int, error: type[EngineError]) -> None:
    with pytest.raises(error):
        reply_of(said(error=pb.Status(code=code, message="m")), "one")


def test_a_field_of_a_later_version_is_no_decision() -> None:
    later = pb.CheckResponse.FromString(said().SerializeToString() + b"\xa2\x06\x00")  # field 100, of a new result
    with pytest.raises(EngineBadReply):
        reply_of(later, "one")


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        pytest.param([], {()}, id="all"),
        pytest.param(["client", "namespace"], {("client", "namespace")}, id="a field"),
        pytest.param(
            ["client", "labels", "a.b/c"], {("client", "labels", "a.b/c"), ("client", "labels", "?")}, id="a label"
        ),
        pytest.param(["answer", "rcode"], {("answer", "rcode"), ("answer", "?")}, id="of what may be absent"),
        pytest.param(["query", "labels"], {("query", "labels")}, id="a list"),
        pytest.param(["query", "labels", "0"], None, id="below a list"),
        pytest.param(["client", "namespace", "x"], None, id="below a text"),
        pytest.param(["client", "labels", "a", "b"], None, id="below a label"),
        pytest.param(["client", "labels", "entries", "a"], None, id="as the message has it"),
        pytest.param(["clint"], None, id="unknown"),
        pytest.param(["request_id"], None, id="of the protocol"),
    ],
)
def test_paths_are_read_or_refused(steps: list[str], found: set[tuple[str, ...]] | None) -> None:
    assert read_paths(pb.Paths(paths=[pb.Path(steps=steps)])) == (None if found is None else frozenset(found))


def test_too_many_paths_are_everything() -> None:
    assert read_paths(pb.Paths(paths=[pb.Path(steps=["phase"])] * 1000)) == EVERYTHING.paths


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("client", "labels", "app"),
        ("client", "owner", "?"),
        ("query", "suffixes", "0"),
        ("client", "uid"),
        ("x", "y"),
    ],
)
def test_what_is_written_covers_what_is_read(path: tuple[str, ...]) -> None:
    """A client that reads the paths of an engine takes them for no less than they are."""
    told = read_paths(write_paths([path]))
    assert told is not None
    assert any(path[: len(one)] == one for one in told)


@settings(max_examples=200, deadline=None)
@given(questions(), questions())
def test_a_decision_is_remembered_for_whoever_agrees_in_what_it_rests_on(one: PolicyInput, other: PolicyInput) -> None:
    paths = frozenset(
        {("client", "namespace"), ("client", "labels", "app"), ("client", "labels", "?"), ("query", "via")}
    )
    cache = VaryCache(100, lambda: 0.0)
    response = said(allow=pb.Allow(), cache=pb.Cache(max_age=5, vary=write_paths(paths)))
    cache.keep(one, reply_of(response, "one"), 5.0)
    same = projector(Footprint(paths | {("phase",), ("query", "name"), ("query", "type"), ("query", "class")}))
    assert (cache.find(other) is not None) == (same(one) == same(other))
    assert cache.find(one) is not None


def test_what_is_remembered_has_a_bound_and_an_end() -> None:
    now = 0.0
    cache = VaryCache(10, lambda: now)
    reply = reply_of(said(allow=pb.Allow(), cache=pb.Cache(vary=pb.Paths())), "one")
    for number in range(100):
        cache.keep(question(f"n{number}.example"), reply, 5.0)
    assert len(cache) == 10
    assert cache.find(question("n99.example")) is not None
    now = 5.0
    assert cache.find(question("n99.example")) is None
    cache.clear()
    assert len(cache) == 0


def test_different_ways_to_one_name_stand_beside_each_other() -> None:
    """The first answer depends on the namespace only; that of another namespace looks at the pod as well."""
    cache = VaryCache(100, lambda: 0.0)
    by_namespace = pb.Paths(paths=[pb.Path(steps=["client", "namespace"])])
    by_pod = pb.Paths(paths=[pb.Path(steps=["client", "namespace"]), pb.Path(steps=["client", "pod"])])
    shop, other = question(namespace="shop"), question(namespace="other", pod="p")
    cache.keep(shop, reply_of(said(allow=pb.Allow(), cache=pb.Cache(vary=by_namespace)), "one"), 5.0)
    cache.keep(other, reply_of(said(block=pb.Block(), cache=pb.Cache(vary=by_pod)), "one"), 5.0)
    assert cache.find(question(namespace="shop", pod="anyone")) is not None
    assert cache.find(question(namespace="other", pod="p")) is not None
    assert cache.find(question(namespace="other", pod="q")) is None


def test_the_generated_code_is_that_of_the_proto(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "proto" / "generate.py", tmp_path], check=True)
    for name in ("policy_pb2.py", "policy_pb2.pyi"):
        made = tmp_path / "dnspolicy" / "engines" / "grpc" / "pb" / name
        assert made.read_bytes() == (ROOT / "dnspolicy" / "engines" / "grpc" / "pb" / name).read_bytes()


def test_grpc_is_imported_where_the_word_is_used_only() -> None:
    code = "import sys, dnspolicy.cli.commands, dnspolicy.app.supply; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_response_can_be_written_as_json() -> None:
    """Decision points may read theirs from files, as the examples do."""
    assert MessageToDict(said(block=pb.Block(**{"as": pb.BLOCK_AS_DROP})))["block"] == {"as": "BLOCK_AS_DROP"}


def test_an_identity_is_written_once() -> None:
    who = Identity(ClientKind.EXTERNAL, "outside", "192.0.2.1")
    assert client_bytes(who) is client_bytes(who)
