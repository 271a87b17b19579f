from __future__ import annotations

import msgspec
import pytest
from audit_outcomes import outcome, outcomes, query, verdict
from hypothesis import given

from dnspolicy.audit import lines, record
from dnspolicy.audit.lines import Lines
from dnspolicy.audit.render import Renderer
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer, Drop, ExtendedError
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import from_labels, from_text
from dnspolicy.model.query import Query, Via
from dnspolicy.model.verdict import Action, AuditLevel, Mode, Verdict, Would

RENDERER = Renderer(AuditLevel.METADATA, "50% {i} %s", ("app",))
ALLOW = verdict()


def remembered(*verdicts: Verdict, **fields: object) -> Outcome:
    made = outcome(*verdicts, **fields)
    return msgspec.structs.replace(
        made, judgements=tuple(msgspec.structs.replace(j, cached=True, about=made.query.name) for j in made.judgements)
    )


def long_way(seen: Outcome, seq: int) -> bytes:
    made = RENDERER.query(seen, seq)
    assert made is not None
    return record.encode(made)


def named(*labels: bytes) -> Query:
    name = from_labels(labels)
    return Query(name, 1, name)


ORDINARY = [
    pytest.param(remembered(ALLOW), id="allow"),
    pytest.param(remembered(verdict(Action.BLOCK)), id="block"),
    pytest.param(
        remembered(ALLOW, reply=Answer(3, made_by="%d \u200b", ede=(ExtendedError(15, "100%"),))), id="odd-reply"
    ),
    pytest.param(remembered(verdict(reason='say "%s" \\ \ud800 \x7f é')), id="odd-reason"),
    pytest.param(remembered(ALLOW, identity=Identity(ClientKind.UNKNOWN, "%d\x7f", "")), id="odd-client"),
    pytest.param(remembered(ALLOW, source="%s", server="%", zone="%%."), id="odd-place"),
    pytest.param(remembered(ALLOW, query=named(b"a\\b", b'"', b"\xff%s", b"\x7f.")), id="odd-name"),
    pytest.param(remembered(ALLOW, query=named()), id="root"),
    pytest.param(remembered(ALLOW, query=query(qtype=65280)), id="type-without-a-name"),
    pytest.param(remembered(ALLOW, wall=-1.0, seconds=float("nan"), port=0), id="odd-numbers"),
]


@pytest.mark.parametrize("seen", ORDINARY)
def test_prepared_text_gives_the_line_of_the_long_way(seen: Outcome) -> None:
    prepared = Lines(RENDERER)
    asked = query("other.shop", 28)
    later = msgspec.structs.replace(
        seen, query=asked, port=99, wall=1.5, seconds=0.25, size=seen.size + 1,
        judgements=tuple(msgspec.structs.replace(j, about=asked.name) for j in seen.judgements),
    )  # fmt: skip
    assert prepared.query(seen, 1) == long_way(seen, 1)
    assert prepared.query(later, 2) == long_way(later, 2)


RENAMED = msgspec.structs.replace(query(), name=from_text("api.staging"), via=Via.REWRITE)
NOT_ORDINARY = [
    pytest.param(outcome(ALLOW), id="just-decided"),
    pytest.param(msgspec.structs.replace(remembered(ALLOW), query=query("other.shop")), id="of-another-name"),
    pytest.param(outcome(), id="nobody-judged"),
    pytest.param(remembered(ALLOW, verdict(Action.BLOCK)), id="several-judgements"),
    pytest.param(remembered(verdict(audit=AuditLevel.NONE)), id="no-record-wanted"),
    pytest.param(remembered(verdict(audit=AuditLevel.FULL)), id="full-record-wanted"),
    pytest.param(remembered(verdict(mode=Mode.SHADOW)), id="in-shadow"),
    pytest.param(remembered(verdict(shadow=(Would(Action.BLOCK, "r", "why"),))), id="rule-in-shadow"),
    pytest.param(remembered(ALLOW, reply=Drop("why")), id="dropped"),
    pytest.param(remembered(ALLOW, failure="broken"), id="failed"),
    pytest.param(remembered(ALLOW, memo=True), id="finished-before"),
    pytest.param(remembered(ALLOW, query=RENAMED), id="renamed"),
    pytest.param(remembered(ALLOW, query=msgspec.structs.replace(query(), qclass=3)), id="other-class"),
    pytest.param(remembered(ALLOW, size=0), id="no-size"),
]


@pytest.mark.parametrize("seen", NOT_ORDINARY)
def test_what_differs_by_more_goes_the_long_way(seen: Outcome) -> None:
    prepared = Lines(RENDERER)
    assert prepared.query(seen, 1) is None
    assert prepared.query(seen, 2) is None


def test_records_of_level_full_go_the_long_way() -> None:
    assert Lines(Renderer(AuditLevel.FULL, "i")).query(remembered(ALLOW), 1) is None


@given(outcomes)
def test_any_line_is_that_of_the_long_way(seen: Outcome) -> None:
    line = Lines(RENDERER).query(seen, 7)
    assert line is None or line == long_way(seen, 7)


def test_clients_and_answers_are_told_apart() -> None:
    prepared = Lines(RENDERER)
    for number in range(3 * lines.CAPACITY):
        seen = remembered(
            verdict(rule=f"r{number}"), source=f"10.0.0.{number}", identity=Identity(ClientKind.UNKNOWN, "why", ""),
            reply=Answer(number % 11, made_by=f"m{number % 3}"),
        )  # fmt: skip
        if number % 500 < 2:
            assert prepared.query(seen, number) == long_way(seen, number)
