from __future__ import annotations

import msgspec
import pytest
from audit_outcomes import WALL, outcome, outcomes, query, verdict
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.audit import record as rec
from dnspolicy.audit.filter import BadFilter, Filter, Key, Term, moment, term
from dnspolicy.audit.render import Fold, Renderer, timestamp
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer, Drop
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Via
from dnspolicy.model.verdict import Action, AuditLevel, Mode, Origin, Verdict, Would

RENDER = Renderer(AuditLevel.METADATA, "i")
HOST = Identity(ClientKind.HOST, "address of a node", "fd00::1")
STOP = rec.StopRecord(version=1, instance="i", seq=9, time=timestamp(WALL))


def made(seen: Outcome) -> rec.QueryRecord:
    line = RENDER.query(seen, 1)
    assert line is not None
    return line


def asked(name: str) -> rec.QueryRecord:
    return made(outcome(query=query(name)))


def decided(*verdicts: Verdict) -> rec.QueryRecord:
    return made(outcome(*verdicts))


BLOCK = decided(verdict(Action.BLOCK, "tenant/other"))
ALLOW = decided(verdict())
SHADOW = decided(verdict(shadow=(Would(Action.BLOCK, "next/strict", ""),)))
WATCHED = decided(verdict(Action.BLOCK, "next/strict", mode=Mode.SHADOW))
REWRITTEN = made(outcome(query=query("a.example").renamed(from_text("b.example"), Via.REWRITE)))


@pytest.mark.parametrize(
    ("key", "text", "record", "found"),
    [
        pytest.param("verdict", "block", BLOCK, True, id="verdict"),
        pytest.param("verdict", "BLOCK", BLOCK, True, id="verdict-capitals"),
        pytest.param("verdict", "block", ALLOW, False, id="verdict-other"),
        pytest.param("verdict", "none", decided(), True, id="verdict-none"),
        pytest.param("verdict", "block", SHADOW, False, id="verdict-not-in-force"),
        pytest.param("would", "block", SHADOW, True, id="would"),
        pytest.param("would", "redirect", SHADOW, False, id="would-other"),
        pytest.param("mode", "shadow", SHADOW, True, id="shadow-beside"),
        pytest.param("mode", "shadow", WATCHED, True, id="shadow-itself"),
        pytest.param("mode", "shadow", BLOCK, False, id="shadow-none"),
        pytest.param("mode", "enforce", SHADOW, True, id="enforce-with-shadow-beside"),
        pytest.param("mode", "enforce", WATCHED, False, id="enforce-not-in-force"),
        pytest.param("rule", "tenant/*", BLOCK, True, id="rule"),
        pytest.param("rule", "tenant", BLOCK, False, id="rule-whole"),
        pytest.param("rule", "next/*", SHADOW, True, id="rule-in-shadow"),
        pytest.param("rule", "*", decided(), False, id="rule-of-none"),
        pytest.param("origin", "failure", decided(verdict(origin=Origin.FAILURE)), True, id="origin"),
        pytest.param("phase", "response", BLOCK, False, id="phase"),
        pytest.param("namespace", "shop", ALLOW, True, id="namespace"),
        pytest.param("namespace", "sh*", ALLOW, True, id="namespace-pattern"),
        pytest.param("namespace", "*", made(outcome(identity=HOST)), False, id="namespace-of-a-host"),
        pytest.param("pod", "web-*", ALLOW, True, id="pod"),
        pytest.param("pod", "shop/web-?", ALLOW, True, id="pod-in-namespace"),
        pytest.param("pod", "other/web-0", ALLOW, False, id="pod-in-other-namespace"),
        pytest.param("kind", "host", made(outcome(identity=HOST)), True, id="kind"),
        pytest.param("ip", "10.1.0.0/16", ALLOW, True, id="ip-network"),
        pytest.param("ip", "10.1.2.3", ALLOW, True, id="ip-address"),
        pytest.param("ip", "10.1.0.0/16", made(outcome(identity=HOST)), False, id="ip-other-family"),
        pytest.param("ip", "fd00::/8", made(outcome(identity=HOST)), True, id="ip-6"),
        pytest.param("ip", "::/0", made(outcome(identity=msgspec.structs.replace(HOST, ip="odd"))), False, id="ip-odd"),
        pytest.param("name", "*.example.com", asked("a.b.example.com"), True, id="name-star-spans-labels"),
        pytest.param("name", "*.example.com", asked("example.com"), False, id="name-star-needs-a-label"),
        pytest.param("name", "*.example.com", asked("badexample.com"), False, id="name-star-keeps-the-dot"),
        pytest.param("name", "EXAMPLE.com.", asked("example.COM"), True, id="name-case-and-final-dot"),
        pytest.param("name", "example.com", asked("example.com.evil.test"), False, id="name-whole"),
        pytest.param("name", "api.*.svc.**", asked("api.shop.svc.cluster.local"), True, id="name-stars"),
        pytest.param("name", ".", asked("."), True, id="name-root"),
        pytest.param("name", r"*\000*", asked(r"a\000b.test"), True, id="name-escape"),
        pytest.param("name", "b.example", REWRITTEN, True, id="name-resolved"),
        pytest.param("name", "a.example", REWRITTEN, True, id="name-asked"),
        pytest.param("type", "aaaa", made(outcome(query=query(qtype=28))), True, id="type"),
        pytest.param("type", "TYPE28", made(outcome(query=query(qtype=28))), True, id="type-by-number"),
        pytest.param("type", "TYPE65280", made(outcome(query=query(qtype=65280))), True, id="type-unknown"),
        pytest.param("rcode", "nxdomain", made(outcome(reply=Answer(rcode=3))), True, id="rcode"),
        pytest.param("rcode", "RCODE3", made(outcome(reply=Answer(rcode=3))), True, id="rcode-by-number"),
        pytest.param("rcode", "RCODE23", made(outcome(reply=Answer(rcode=23))), True, id="rcode-unknown"),
        pytest.param("rcode", "NOERROR", made(outcome(reply=Drop("x"))), False, id="rcode-of-a-drop"),
    ],
)
def test_a_filter_finds(key: str, text: str, record: rec.QueryRecord, found: bool) -> None:
    assert term(Key(key), text).matches(record) is found


def filters(*words: str) -> Filter:
    return Filter(tuple(term(Key(w.lstrip("!").split("=")[0]), w.split("=")[1], negated=w[0] == "!") for w in words))


@pytest.mark.parametrize(
    ("words", "accepted"),
    [
        pytest.param((), True, id="no-filter"),
        pytest.param(("verdict=block", "verdict=allow"), True, id="same-key-is-or"),
        pytest.param(("verdict=block", "namespace=shop"), False, id="other-key-is-and"),
        pytest.param(("verdict=allow", "namespace=other", "namespace=shop"), True, id="or-within-and"),
        pytest.param(("!verdict=block",), True, id="not-finds-nothing"),
        pytest.param(("!namespace=shop",), False, id="not-finds-it"),
        pytest.param(("verdict=allow", "!pod=web-0"), False, id="not-wins"),
        pytest.param(("!verdict=block", "!namespace=shop"), False, id="each-not-counts"),
    ],
)
def test_filters_combine(words: tuple[str, ...], accepted: bool) -> None:
    assert filters(*words).accepts(ALLOW) is accepted


def repeat(first: float, last: float) -> rec.RepeatRecord:
    line = RENDER.repeat(Fold(outcome(), 2, first, last, 0.1), 1)
    assert line is not None
    return line


@pytest.mark.parametrize(
    ("since", "until", "line", "accepted"),
    [
        pytest.param(WALL, WALL, ALLOW, True, id="ends-included"),
        pytest.param(WALL + 1, None, ALLOW, False, id="before"),
        pytest.param(None, WALL - 1, ALLOW, False, id="after"),
        pytest.param(WALL + 3, None, repeat(WALL, WALL + 5), True, id="repeat-reaches-in"),
        pytest.param(WALL + 6, None, repeat(WALL, WALL + 5), False, id="repeat-was-before"),
        pytest.param(None, WALL + 1, repeat(WALL, WALL + 5), True, id="repeat-began-in-time"),
    ],
)
def test_a_span_of_time(since: float | None, until: float | None, line: rec.Line, accepted: bool) -> None:
    span = Filter((), since and timestamp(since), until and timestamp(until))  # type: ignore[arg-type]
    assert span.accepts(line) is accepted


def test_lost_records_are_wanted_whatever_the_filters_and_the_rest_is_not() -> None:
    now = timestamp(WALL)
    lost = rec.LostRecord(
        version=1, instance="i", seq=5, time=now, count=1, queries=1, reason=rec.LossReason.QUEUE_FULL,
        first=now, last=now,
    )  # fmt: skip
    assert filters("verdict=block").accepts(lost)
    assert not filters("verdict=block").accepts(STOP)
    assert Filter().accepts(STOP)


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        pytest.param("verdict", "deny", "allow, block, rewrite, redirect or none", id="verdict"),
        pytest.param("would", "none", "allow, block, rewrite or redirect", id="would"),
        pytest.param("type", "AAAAA", "not a record type", id="type"),
        pytest.param("rcode", "NXDOMAN", "NXDOMAIN", id="rcode"),
        pytest.param("ip", "10.0.0.256", "10.0.0.0/8", id="ip"),
        pytest.param("name", "", "write \\*", id="empty"),
    ],
)
def test_a_value_that_means_nothing_is_refused_with_what_would(key: str, text: str, said: str) -> None:
    with pytest.raises(BadFilter, match=said):
        term(Key(key), text)


@given(st.sampled_from(Key), st.text(st.characters(codec=None)) | st.from_regex(r"[*?\[\]!a.\\/0-9]{0,30}"), outcomes)
def test_any_value_is_a_filter_or_refused(key: Key, text: str, seen: Outcome) -> None:
    try:
        made_term: Term = term(key, text)
    except BadFilter:
        return
    line = RENDER.query(seen, 1)
    if line is not None:
        assert made_term.matches(line) in (True, False)


def test_many_stars_do_not_take_for_ever() -> None:
    assert not term(Key.NAME, "*a" * 60 + "*b").matches(asked(".".join(["a" * 60] * 4)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("5m", "2025-12-31T23:55:00.250000Z", id="minutes"),
        pytest.param("1h30m", "2025-12-31T22:30:00.250000Z", id="several-units"),
        pytest.param("250ms", "2026-01-01T00:00:00.000000Z", id="milliseconds"),
        pytest.param("1.5s", "2025-12-31T23:59:58.750000Z", id="fraction"),
        pytest.param("2d", "2025-12-30T00:00:00.250000Z", id="days"),
        pytest.param("99999999999d", "1970-01-01T00:00:00.000000Z", id="for-ever"),
        pytest.param("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z", id="rfc-3339"),
        pytest.param("2026-01-31T12:00:00.5+02:00", "2026-01-31T10:00:00.500000Z", id="offset"),
        pytest.param("2026-01-31", "2026-01-31T00:00:00.000000Z", id="date"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert moment(text, WALL) == expected


@pytest.mark.parametrize("text", ["", "5", "m", "5m ago", "-5m", "yesterday", "2026-13-01", "5m\x1b[2J"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BadFilter, match="not a time"):
        moment(text, WALL)


@given(st.text(st.characters(codec=None)) | st.from_regex(r"[0-9TZ:.+dhms-]{0,30}"), st.floats(0, 4e9))
def test_any_text_is_a_moment_or_refused(text: str, now: float) -> None:
    try:
        found = moment(text, now)
    except BadFilter:
        return
    assert len(found) == 27
