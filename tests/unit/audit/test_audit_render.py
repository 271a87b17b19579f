from __future__ import annotations

import json
import math

import msgspec
import pytest
from audit_outcomes import API, WALL, outcome, outcomes, query, times, verdict
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.audit import record as rec
from dnspolicy.audit.render import MAX_TEXT, Fold, Renderer, timestamp
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer, Drop, ExtendedError
from dnspolicy.model.identity import NOBODY
from dnspolicy.model.name import from_labels, from_text
from dnspolicy.model.query import Via
from dnspolicy.model.rr import Record
from dnspolicy.model.verdict import Action, AuditLevel, BlockAs, Mode, Origin, Verdict, Would

ALLOW = verdict()
BLOCK = verdict(Action.BLOCK, "tenant/other")
REWRITE = verdict(Action.REWRITE, "env/staging", name=from_text("api.staging.svc.cluster.local"))
REDIRECT = verdict(Action.REDIRECT, "mirror", addresses=("192.0.2.1", "192.0.2.2"))
SHADOW = verdict(Action.BLOCK, "next/strict", mode=Mode.SHADOW)
DEFAULT = verdict(Action.BLOCK, "default", origin=Origin.DEFAULT)
WATCHED = verdict(shadow=(Would(Action.REDIRECT, "candidate", "new mirror"),))


def rendered(seen: Outcome, level: AuditLevel = AuditLevel.METADATA, labels: tuple[str, ...] = ()) -> dict[str, object]:
    line = Renderer(level, "i", labels).query(seen, 7)
    assert line is not None
    found = json.loads(rec.encode(line))
    assert isinstance(found, dict)
    return found


def parts(record: dict[str, object], *keys: str) -> dict[str, object]:
    return {key: record[key] for key in keys if key in record}


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        pytest.param((), {"verdict": "none"}, id="nobody-judged"),
        pytest.param((ALLOW,), {"verdict": "allow", "rule": "tenant/own", "mode": "enforce"}, id="allow"),
        pytest.param(
            (ALLOW, BLOCK), {"verdict": "block", "as": "nxdomain", "rule": "tenant/other", "mode": "enforce"},
            id="the-strongest-decides",
        ),
        pytest.param(
            (BLOCK, REDIRECT), {"verdict": "block", "as": "nxdomain", "rule": "tenant/other", "mode": "enforce"},
            id="block-beats-redirect",
        ),
        pytest.param(
            (REWRITE, ALLOW),
            {"verdict": "rewrite", "to": ["api.staging.svc.cluster.local"], "rule": "env/staging", "mode": "enforce"},
            id="rewrite-names-its-target",
        ),
        pytest.param(
            (REWRITE, REDIRECT),
            {"verdict": "redirect", "to": ["192.0.2.1", "192.0.2.2"], "rule": "mirror", "mode": "enforce"},
            id="redirect-beats-rewrite",
        ),
        pytest.param(
            (DEFAULT, BLOCK), {"verdict": "block", "as": "nxdomain", "rule": "tenant/other", "mode": "enforce"},
            id="a-rule-before-a-default",
        ),
        pytest.param(
            (verdict(Action.BLOCK, "sink", block_as=BlockAs.SINKHOLE, addresses=("192.0.2.9",)),),
            {"verdict": "block", "as": "sinkhole", "to": ["192.0.2.9"], "rule": "sink", "mode": "enforce"},
            id="sinkhole",
        ),
        pytest.param(
            (SHADOW,), {"verdict": "allow", "rule": "next/strict", "mode": "shadow"}, id="shadow-is-not-in-force"
        ),
        pytest.param(
            (SHADOW, ALLOW), {"verdict": "allow", "rule": "tenant/own", "mode": "enforce"}, id="in-force-before-shadow"
        ),
    ],
)  # fmt: skip
def test_the_verdict_is_the_one_that_decided(verdicts: tuple[Verdict, ...], expected: dict[str, object]) -> None:
    assert parts(rendered(outcome(*verdicts)), "verdict", "as", "to", "rule", "mode") == expected


@pytest.mark.parametrize(
    ("verdicts", "would"),
    [
        pytest.param((ALLOW,), None, id="none"),
        pytest.param((SHADOW,), [("block", "next/strict")], id="a-rule-in-shadow"),
        pytest.param((WATCHED,), [("redirect", "candidate")], id="a-candidate-beside"),
        pytest.param((WATCHED, SHADOW), [("redirect", "candidate"), ("block", "next/strict")], id="both"),
    ],
)
def test_shadow_results_are_told(verdicts: tuple[Verdict, ...], would: list[tuple[str, str]] | None) -> None:
    found = rendered(outcome(*verdicts)).get("would")
    assert (found and [(w["verdict"], w["rule"]) for w in found]) == would  # type: ignore[attr-defined]


@pytest.mark.parametrize("action", [Action.BLOCK, Action.REWRITE, Action.REDIRECT])
@pytest.mark.parametrize("origin", Origin)
def test_rule_reason_and_revision_are_never_missing(action: Action, origin: Origin) -> None:
    found = rendered(outcome(Verdict(action, "", "", origin=origin, revision="")))
    assert all(found[key] for key in ("rule", "reason", "revision"))


@pytest.mark.parametrize(
    ("level", "verdicts", "expected"),
    [
        pytest.param("metadata", (ALLOW,), "metadata", id="configured"),
        pytest.param("metadata", (verdict(audit=AuditLevel.FULL),), "full", id="raised"),
        pytest.param("full", (verdict(audit=AuditLevel.METADATA),), "metadata", id="lowered"),
        pytest.param("full", (verdict(audit=AuditLevel.NONE),), None, id="silenced"),
        pytest.param("metadata", (verdict(audit=AuditLevel.NONE), BLOCK), "metadata", id="a-block-is-not-silenced"),
        pytest.param("metadata", (verdict(audit=AuditLevel.FULL), BLOCK), "full", id="any-may-raise"),
        pytest.param("metadata", (msgspec.structs.replace(SHADOW, audit=AuditLevel.NONE),), "metadata", id="shadow"),
    ],
)
def test_a_verdict_changes_the_level(level: str, verdicts: tuple[Verdict, ...], expected: str | None) -> None:
    line = Renderer(AuditLevel(level), "i").query(outcome(*verdicts), 1)
    assert (line and ("full" if line.judged else "metadata")) == expected


def test_metadata_shows_no_answers_and_no_labels() -> None:
    found = rendered(outcome(ALLOW, original=Answer()), labels=("app",))
    assert not {"answers", "original", "judged"} & found.keys()
    assert "labels" not in found["client"]  # type: ignore[operator]


def test_full_shows_answers_judgements_and_allowed_labels_only() -> None:
    before = Answer(answer=(Record(API, 1, 30, bytes([10, 0, 0, 9])),))
    seen = outcome(ALLOW, verdict(Action.REDIRECT, "mirror", addresses=("10.0.0.1",)), original=before)
    found = rendered(seen, AuditLevel.FULL, ("app", "team"))
    text = {"name": "api.shop.svc.cluster.local", "type": "A", "ttl": 30}
    assert found["answers"] == [{**text, "data": "10.0.0.1"}]
    assert found["original"] == {"rcode": "NOERROR", "answers": [{**text, "data": "10.0.0.9"}]}
    assert [j["rule"] for j in found["judged"]] == ["tenant/own", "mirror"]  # type: ignore[attr-defined]
    assert found["client"]["labels"] == {"app": "web"}  # type: ignore[index]


def test_a_name_is_told_escaped_in_lower_case_and_at_level_full_as_typed() -> None:
    asked = from_labels([b"A.b\x00", b"\x1b[31m", b"com"])
    seen = outcome(query=msgspec.structs.replace(query(), name=asked, asked=asked))
    shown = {"name": "a\\046b\\000.\\027\\09131m.com", "type": "A", "class": "IN"}
    assert rendered(seen)["question"] == shown
    assert rendered(seen, AuditLevel.FULL)["question"] == {**shown, "typed": "A\\046b\\000.\\027\\09131m.com"}


def test_the_name_resolved_instead_is_told() -> None:
    renamed = query("web.example").renamed(from_text("other.example"), Via.REWRITE)
    assert rendered(outcome(query=renamed))["resolved"] == "other.example"
    assert "resolved" not in rendered(outcome())


def test_a_dropped_query_says_why_and_has_no_response_code() -> None:
    found = rendered(outcome(verdict(Action.BLOCK, "flood", block_as=BlockAs.DROP), reply=Drop("policy", "policy")))
    assert parts(found, "dropped", "rcode", "made_by", "as") == {"dropped": "policy", "made_by": "policy", "as": "drop"}


def test_who_is_told_in_full() -> None:
    assert rendered(outcome())["client"] == {
        "kind": "pod", "why": "address of a running pod", "ip": "10.1.2.3", "port": 4711, "namespace": "shop",
        "pod": "web-0", "uid": "uid-1", "service_account": "default", "node": "node-1", "zone": "eu-1",
        "owner": {"kind": "StatefulSet", "name": "web"},
    }  # fmt: skip


def test_a_client_that_was_not_looked_up_has_its_source_address() -> None:
    assert rendered(outcome(identity=NOBODY))["client"] == {
        "kind": "unknown", "why": "not looked up", "ip": "10.1.2.3", "port": 4711
    }  # fmt: skip


def test_durations_are_microseconds_and_errors_are_told() -> None:
    reply = Answer(rcode=2, ede=(ExtendedError(22, "all upstreams are down"),))
    found = rendered(outcome(ALLOW, ALLOW, reply=reply, failure="upstream: timeout"))
    assert found["durations"] == {"total": 200, "policy": 100}
    assert found["ede"] == [{"code": 22, "text": "all upstreams are down"}]
    assert parts(found, "rcode", "failure") == {"rcode": "SERVFAIL", "failure": "upstream: timeout"}


def test_a_fold_is_one_record_with_a_count_and_a_span() -> None:
    line = Renderer(AuditLevel.METADATA, "i").repeat(Fold(outcome(BLOCK), 12, WALL, WALL + 4, 0.0012), 3)
    assert line is not None
    found = json.loads(rec.encode(line))
    assert parts(found, "type", "count", "first", "last", "rule", "seq") == {
        "type": "repeat", "count": 12, "first": "2026-01-01T00:00:00.250000Z", "last": "2026-01-01T00:00:04.250000Z",
        "rule": "tenant/other", "seq": 3,
    }  # fmt: skip
    assert found["durations"] == {"total": 1200}
    assert "port" not in found["client"]


@pytest.mark.parametrize(
    ("wall", "text"),
    [
        pytest.param(0.0, "1970-01-01T00:00:00.000000Z", id="zero"),
        pytest.param(1.5, "1970-01-01T00:00:01.500000Z", id="fraction"),
        pytest.param(WALL, "2026-01-01T00:00:00.250000Z", id="now"),
        pytest.param(0.9999999, "1970-01-01T00:00:00.999999Z", id="never-rounded-up"),
        pytest.param(-1.0, "1970-01-01T00:00:00.000000Z", id="before"),
        pytest.param(math.nan, "1970-01-01T00:00:00.000000Z", id="nan"),
        pytest.param(math.inf, "1970-01-01T00:00:00.000000Z", id="inf"),
        pytest.param(1e300, "1970-01-01T00:00:00.000000Z", id="far"),
    ],
)
def test_timestamps_have_one_width(wall: float, text: str) -> None:
    assert timestamp(wall) == text


def test_long_texts_are_cut() -> None:
    found = rendered(outcome(verdict(reason="x" * 5000)))
    assert found["reason"] == "x" * (MAX_TEXT - 1) + "…"


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        pytest.param("\x1b[2J", b"\\u001b[2J", id="escape-sequence"),
        pytest.param("\x7f", b"\\u007f", id="delete"),
        pytest.param("\x9b2J", b"\\u009b2J", id="c1-control"),
        pytest.param("a\u202eb", b"a\\u202eb", id="bidi-override"),
        pytest.param("a\u2028b", b"a\\u2028b", id="line-separator"),
        pytest.param("\U000e0001", b"\\udb40\\udc01", id="tag-character"),
        pytest.param("\ud800", "\ufffd".encode(), id="half-a-character"),
        pytest.param("größe", "größe".encode(), id="letters-stay"),
    ],
)
def test_text_that_does_not_print_is_escaped(text: str, inside: bytes) -> None:
    line = Renderer(AuditLevel.METADATA, "i").query(outcome(failure=text), 1)
    assert line is not None
    assert inside in rec.encode(line)


@given(outcomes, st.sampled_from(AuditLevel), st.sampled_from([(), ("app", "team")]), times, times)
def test_any_outcome_becomes_one_line_of_printable_json(
    seen: Outcome, level: AuditLevel, labels: tuple[str, ...], first: float, last: float
) -> None:
    renderer = Renderer(level, "i", labels)
    for line in (renderer.query(seen, 1), renderer.repeat(Fold(seen, 2, first, last, first), 2)):
        if line is None:
            continue
        raw = rec.encode(line)
        assert raw.endswith(b"\n")
        assert raw[:-1].decode().isprintable()
        assert rec.encode(rec.decode(raw)) == raw
        if line.verdict not in (rec.Effect.NONE, rec.Effect.ALLOW):
            assert line.rule
            assert line.reason
            assert line.revision
