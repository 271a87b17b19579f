"""The decision object is read strictly."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dnspolicy.model.errors import EngineBadReply
from dnspolicy.model.name import from_text
from dnspolicy.model.verdict import Action, AuditLevel, BlockAs, Mode, Verdict, Would
from dnspolicy.policy.decode import decode
from dnspolicy.policy.input import schema

ALLOW = {"action": "allow", "rule": "r", "reason": "why"}
BLOCK = {"action": "block", "rule": "r", "reason": "why"}
REWRITE = {"action": "rewrite", "rule": "r", "reason": "why", "name": "b.example"}
REDIRECT = {"action": "redirect", "rule": "r", "reason": "why"}
GOOD = [
    pytest.param(ALLOW, Verdict(Action.ALLOW, "r", "why"), id="allow"),
    pytest.param(BLOCK, Verdict(Action.BLOCK, "r", "why"), id="block"),
    pytest.param(
        {**BLOCK, "as": "nodata"}, Verdict(Action.BLOCK, "r", "why", block_as=BlockAs.NODATA), id="block nodata"
    ),
    pytest.param({**BLOCK, "as": "drop"}, Verdict(Action.BLOCK, "r", "why", block_as=BlockAs.DROP), id="block drop"),
    pytest.param(
        {**BLOCK, "as": "refused"}, Verdict(Action.BLOCK, "r", "why", block_as=BlockAs.REFUSED), id="block refused"
    ),
    pytest.param(
        {**BLOCK, "as": "sinkhole", "addresses": ["192.0.2.1", "2001:DB8:0::1", "192.0.2.1"]},
        Verdict(Action.BLOCK, "r", "why", block_as=BlockAs.SINKHOLE, addresses=("192.0.2.1", "2001:db8::1")),
        id="sinkhole",
    ),
    pytest.param(REWRITE, Verdict(Action.REWRITE, "r", "why", name=from_text("b.example")), id="rewrite"),
    pytest.param(
        {**REDIRECT, "addresses": ["192.0.2.1"]},
        Verdict(Action.REDIRECT, "r", "why", addresses=("192.0.2.1",)),
        id="redirect to addresses",
    ),
    pytest.param(
        {**REDIRECT, "cname": "b.example."},
        Verdict(Action.REDIRECT, "r", "why", cname=from_text("b.example")),
        id="redirect to a name",
    ),
    pytest.param(
        {**REDIRECT, "upstream": "192.0.2.1:5353"},
        Verdict(Action.REDIRECT, "r", "why", upstreams=("192.0.2.1:5353",)),
        id="redirect to an upstream",
    ),
    pytest.param(
        {**REDIRECT, "upstream": ["192.0.2.1", "::1", "[2001:db8::1]:53"]},
        Verdict(Action.REDIRECT, "r", "why", upstreams=("192.0.2.1", "::1", "[2001:db8::1]:53")),
        id="redirect to upstreams",
    ),
    pytest.param(
        {**REDIRECT, "endpoints": ["10.0.0.2", "10.0.0.1"]},
        Verdict(Action.REDIRECT, "r", "why", endpoints=("10.0.0.2", "10.0.0.1")),
        id="redirect to endpoints, order kept",
    ),
    pytest.param(
        {**ALLOW, "ttl": 0, "audit": "full", "mode": "shadow", "ede": 15},
        Verdict(Action.ALLOW, "r", "why", ttl=0, audit=AuditLevel.FULL, mode=Mode.SHADOW, ede=15),
        id="options",
    ),
    pytest.param(
        {**ALLOW, "shadow": [{"action": "block", "rule": "s", "reason": "t"}]},
        Verdict(Action.ALLOW, "r", "why", shadow=(Would(Action.BLOCK, "s", "t"),)),
        id="shadow",
    ),
    pytest.param({**ALLOW, "reason": "größer"}, Verdict(Action.ALLOW, "r", "größer"), id="text beyond ASCII"),
]
BAD = [
    pytest.param({}, "action", id="empty"),
    pytest.param([], "object", id="array"),
    pytest.param(None, "object", id="null"),
    pytest.param(True, "object", id="true"),
    pytest.param({**ALLOW, "action": "Allow"}, "$.action", id="action in capitals"),
    pytest.param({**ALLOW, "action": 1}, "$.action", id="action of a wrong type"),
    pytest.param({"action": "allow", "rule": "r"}, "reason", id="no reason"),
    pytest.param({"action": "allow", "reason": "r"}, "rule", id="no rule"),
    pytest.param({**ALLOW, "rule": ""}, "$.rule", id="empty rule"),
    pytest.param({**ALLOW, "rule": None}, "$.rule", id="null rule"),
    pytest.param({**ALLOW, "reason": "a\nb"}, "$.reason", id="line break"),
    pytest.param({**ALLOW, "reason": "a\n"}, "$.reason", id="line break at the end"),
    pytest.param({**ALLOW, "rule": "a\x1b[31m"}, "$.rule", id="escape sequence"),
    pytest.param({**ALLOW, "reason": "a\u202eb"}, "$.reason", id="text direction"),
    pytest.param({**ALLOW, "reason": "x" * 513}, "$.reason", id="long text"),
    pytest.param({**ALLOW, "reason": "ü" * 257}, "$.reason", id="long in bytes"),
    pytest.param({**ALLOW, "extra": 1}, "extra", id="unknown key"),
    pytest.param({**ALLOW, "name": "b.example"}, "name", id="key of another action"),
    pytest.param({**ALLOW, "as": "nxdomain"}, "as", id="as on allow"),
    pytest.param({**ALLOW, "ttl": -1}, "$.ttl", id="negative ttl"),
    pytest.param({**ALLOW, "ttl": 86401}, "$.ttl", id="long ttl"),
    pytest.param({**ALLOW, "ttl": 1.5}, "$.ttl", id="fraction"),
    pytest.param({**ALLOW, "ttl": "30"}, "$.ttl", id="ttl as text"),
    pytest.param({**ALLOW, "ttl": True}, "$.ttl", id="ttl as truth value"),
    pytest.param({**ALLOW, "ede": 65536}, "$.ede", id="large code"),
    pytest.param({**ALLOW, "ede": "Blocked"}, "$.ede", id="code as text"),
    pytest.param({**ALLOW, "mode": "off"}, "$.mode", id="unknown mode"),
    pytest.param({**ALLOW, "audit": "some"}, "$.audit", id="unknown level"),
    pytest.param({**ALLOW, "shadow": [{"action": "block", "rule": "s"}]}, "reason", id="shadow without reason"),
    pytest.param({**ALLOW, "shadow": [{**ALLOW, "as": "drop"}]}, "as", id="shadow with more"),
    pytest.param({**ALLOW, "shadow": [{**ALLOW, "rule": "a\tb"}]}, "shadow", id="tab in a shadow's rule"),
    pytest.param({**ALLOW, "shadow": [ALLOW] * 65}, "$.shadow", id="many shadows"),
    pytest.param({**BLOCK, "as": "servfail"}, "$.as", id="unknown block"),
    pytest.param({**BLOCK, "as": "sinkhole"}, "addresses", id="sinkhole without addresses"),
    pytest.param({**BLOCK, "as": "sinkhole", "addresses": []}, "$.addresses", id="sinkhole with no address"),
    pytest.param({**BLOCK, "addresses": ["192.0.2.1"]}, "addresses", id="addresses without a sinkhole"),
    pytest.param({"action": "rewrite", "rule": "r", "reason": "why"}, "name", id="rewrite without a name"),
    pytest.param({**REWRITE, "name": ""}, "$.name", id="empty name"),
    pytest.param({**REWRITE, "name": "a..b"}, "$.name", id="empty label"),
    pytest.param({**REWRITE, "name": "x" * 64}, "$.name", id="long label"),
    pytest.param({**REWRITE, "name": "ü.example"}, "$.name", id="name beyond ASCII"),
    pytest.param(REDIRECT, "exactly one", id="redirect to nothing"),
    pytest.param({**REDIRECT, "addresses": ["192.0.2.1"], "cname": "b"}, "exactly one", id="redirect to two"),
    pytest.param({**REDIRECT, "addresses": ["192.0.2.256"]}, "$.addresses", id="bad address"),
    pytest.param({**REDIRECT, "addresses": ["fe80::1%eth0"]}, "$.addresses", id="scoped address"),
    pytest.param({**REDIRECT, "addresses": "192.0.2.1"}, "$.addresses", id="address as text"),
    pytest.param({**REDIRECT, "addresses": [f"192.0.2.{i}" for i in range(33)]}, "$.addresses", id="33 addresses"),
    pytest.param({**REDIRECT, "cname": "a..b"}, "$.cname", id="bad alias"),
    pytest.param({**REDIRECT, "upstream": "dns.example"}, "$.upstream", id="upstream by name"),
    pytest.param({**REDIRECT, "upstream": "192.0.2.1:0"}, "$.upstream", id="port zero"),
    pytest.param({**REDIRECT, "upstream": "192.0.2.1:"}, "$.upstream", id="no port"),
    pytest.param({**REDIRECT, "upstream": []}, "$.upstream", id="no upstream"),
    pytest.param({**REDIRECT, "endpoints": ["db-0"]}, "$.endpoints", id="endpoint by name"),
]


@pytest.mark.parametrize(("document", "verdict"), GOOD)
def test_good_decisions(document: dict[str, Any], verdict: Verdict) -> None:
    assert decode(json.dumps(document)) == verdict
    jsonschema.validate(document, schema()["decision"])


@pytest.mark.parametrize(("document", "place"), BAD)
def test_bad_decisions_name_the_place(document: object, place: str) -> None:
    with pytest.raises(EngineBadReply) as refused:
        decode(json.dumps(document))
    assert place in str(refused.value)


def test_the_revision_is_noted() -> None:
    assert decode(json.dumps(ALLOW), "abc").revision == "abc"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'{"a":' + b"[" * 100_000, id="deep"),
        pytest.param(json.dumps({**ALLOW, "reason": "x" * 300_000}), id="long"),
        pytest.param('{"action":"allow","rule":"\\ud800","reason":"x"}', id="half a surrogate pair"),
        pytest.param('{"action":"allow","rule":"a","reason":"x"}x', id="more after the end"),
    ],
)
def test_what_is_no_json_object(reply: bytes | str) -> None:
    with pytest.raises(EngineBadReply):
        decode(reply)


def test_a_complaint_is_short_and_prints() -> None:
    with pytest.raises(EngineBadReply) as refused:
        decode(json.dumps({**ALLOW, "\x1b]0;" + "x" * 10_000: 1}))
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["allow", "block", "192.0.2.1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    ["action", "rule", "reason", "as", "name", "addresses", "cname", "upstream", "endpoints", "ttl", "mode", "shadow"]
)


@given(_VALUES | st.dictionaries(_KEYS | st.text(max_size=3), _VALUES))
@example({**ALLOW, "as": "block"})
def test_nothing_but_an_allow_allows(document: object) -> None:
    try:
        verdict = decode(json.dumps(document))
    except EngineBadReply:
        return
    assert isinstance(document, dict)
    assert verdict.action.value == document["action"]


@given(st.binary() | st.text())
def test_junk_is_a_bad_reply(reply: bytes | str) -> None:
    with pytest.raises(EngineBadReply):
        decode(reply)
