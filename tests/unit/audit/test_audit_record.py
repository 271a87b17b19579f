from __future__ import annotations

import json

import jsonschema
import pytest
from audit_outcomes import WALL, outcome, outcomes, verdict
from hypothesis import given, settings

from dnspolicy.audit import record as rec
from dnspolicy.audit.render import Fold, Renderer, timestamp
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.verdict import AuditLevel

SCHEMA = jsonschema.Draft202012Validator(rec.json_schema())
NOW = timestamp(WALL)
COMMON = {"version": 1, "instance": "i", "seq": 1, "time": NOW}


@pytest.mark.parametrize(
    "line",
    [
        rec.LostRecord(**COMMON, count=1, queries=2, reason=rec.LossReason.QUEUE_FULL, first=NOW, last=NOW),
        rec.StartRecord(**COMMON, program="dnspolicy 1", level=AuditLevel.FULL, interrupted=True),
        rec.StopRecord(**COMMON),
        Renderer(AuditLevel.FULL, "i").repeat(Fold(outcome(verdict()), 2, WALL, WALL, 0.1), 1),
    ],
    ids=lambda line: rec.kind(line),
)
def test_records_keep_to_the_schema_and_are_read_back(line: rec.Line) -> None:
    raw = rec.encode(line)
    SCHEMA.validate(json.loads(raw))
    assert rec.encode(rec.decode(raw)) == raw


@settings(max_examples=25)
@given(outcomes)
def test_any_query_record_keeps_to_the_schema(seen: Outcome) -> None:
    line = Renderer(AuditLevel.FULL, "i", ("app",)).query(seen, 1)
    if line is not None:
        SCHEMA.validate(json.loads(rec.encode(line)))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[INFO] 10.0.0.1:1 - A IN x.", id="another-log"),
        pytest.param(b"{}", id="empty-object"),
        pytest.param(b'{"type":"stop","version":1,"instance":"i","seq":1', id="cut"),
        pytest.param(b'{"type":"other","version":1,"instance":"i","seq":1,"time":"x"}', id="unknown-type"),
        pytest.param(b'{"type":"stop","version":1,"instance":"i","seq":1,"time":"\x1b"}', id="control-character"),
        pytest.param(b"\xff\xfe", id="not-utf-8"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_what_is_no_record_is_refused(raw: bytes) -> None:
    with pytest.raises(rec.BadRecord):
        rec.decode(raw)


def test_a_key_of_a_later_release_does_no_harm() -> None:
    raw = b'{"type":"stop","version":1,"instance":"i","seq":1,"time":"2026-01-01T00:00:00.000000Z","new":[1]}'
    assert isinstance(rec.decode(raw), rec.StopRecord)
