"""Rule lists: what they meant in CoreDNS, and that what is not known never opens anything."""

from __future__ import annotations

import asyncio
import time

import pytest

from dnspolicy.engines.firewall import FirewallEngine
from dnspolicy.model.errors import EngineTimeout
from dnspolicy.model.identity import Identity
from dnspolicy.model.verdict import Action, BlockAs, Verdict
from dnspolicy.policy.firewall import Asked, Direction, Listed, RuleList
from dnspolicy.policy.firewall.syntax import BadCondition
from dnspolicy.policy.footprint import Path
from dnspolicy.policy.input import PolicyInput
from tests.unit.engines.firewall.making import NOBODY, NODE, asked, engine, listed

RESPONSE = Direction.RESPONSE


def decide(made: FirewallEngine, question: PolicyInput, seconds: float = 60) -> Verdict:
    found = asyncio.run(made.decide(question, time.monotonic() + seconds))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        pytest.param("allow", (Action.ALLOW, BlockAs.NXDOMAIN), id="allow"),
        pytest.param("block", (Action.BLOCK, BlockAs.NXDOMAIN), id="block"),
        pytest.param("refuse", (Action.BLOCK, BlockAs.REFUSED), id="refuse"),
        pytest.param("drop", (Action.BLOCK, BlockAs.DROP), id="drop"),
    ],
)
def test_actions(action: str, shown: tuple[Action, BlockAs]) -> None:
    verdict = decide(engine(f"{action} name == 'db.shop.svc.cluster.local.'\nblock true"), asked())
    assert (verdict.action, verdict.block_as) == shown
    assert verdict.rule == "firewall/query/1"
    assert verdict.reason == "name == 'db.shop.svc.cluster.local.'"


@pytest.mark.parametrize(
    ("condition", "true"),
    [
        ("type == 'A'", True),
        ("type IN ('AAAA', 'A')", True),
        ("type in ('AAAA')", False),
        ("class == 'IN' && proto == 'udp'", True),
        ("name =~ 'shop'", True),
        ("name !~ '^shop'", True),
        ("client_ip == '10.1.2.3'", True),
        ("incidr(client_ip, '10.0.0.0/8')", True),
        ("incidr(client_ip, '2001:db8::/32')", False),
        ("[kubernetes/client-namespace] == 'tenant-a'", True),
        ("[kubernetes/client-pod-name] == 'web-0'", True),
        ("[kubernetes/client-label/app] == 'web'", True),
        ("[kubernetes/client-label/none] == ''", True),
        ("[kubernetes/namespace] == 'shop' && [kubernetes/service] == 'db' && [kubernetes/kind] == 'svc'", True),
        ("[>opcode] == '0'", True),
        ("atoi([>opcode]) + 2 * 3 == 6", True),
        ("atoi('7') % 4 == 3 && -1 < 0", True),
        ("'a' + 'b' == 'ab' && 'b' > 'a'", True),
        ("type == 'A' ? false : true", False),
        ("!(type == 'A') || true", True),
        ("true == (type == 'A')", True),
        (r"name =~ '\.cluster\.local\.$'", True),
        ("random() < 2", True),
        ('type == "A"', True),
    ],
)
def test_conditions(condition: str, true: bool) -> None:
    verdict = decide(engine(f"allow {condition}"), asked())
    assert (verdict.action is Action.ALLOW) is true
    assert (verdict.rule == "firewall/query/1") is true


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("permit true", "is no action"),
        ("allow", "found the end"),
        ("allow true true", "an operator or the end"),
        ("allow (true", r"expected '\)'"),
        ("allow 'A", "is never closed"),
        ("allow nosuch == 'A'", "no field that is known here"),
        ("allow [mac/address] =~ 'x'", "no field that is known here"),
        ("allow port == '53'", "differs between two queries"),
        ("allow rsize == '53'", "known only when the reply is written"),
        ("allow response_ip == '10.0.0.1'", "only in a list for responses"),
        ("allow type", "must be true or false"),
        ("allow type == 1", "never alike"),
        ("allow type && true", "wants true or false"),
        ("allow name =~ type", "must be a pattern"),
        ("allow name =~ '('", "not a regular expression"),
        ("allow incidr(client_ip, '10.0.0.0/33')", "is no network"),
        ("allow atoi(type, name) == 1", "takes 1 arguments"),
        ("allow len(type) == 1", "is no function"),
        ("allow type ?? name == 'A'", "not known here"),
        ("allow 2 ** 3 == 8", "not known here"),
        ("allow type IN (name)", "only texts and numbers"),
        ("allow type IN (1, 2)", "never one of such a list"),
        ("allow " + "(" * 200 + "true", "parentheses one in another"),
        ("allow " + "!" * 200 + "true", "signs one before another"),
    ],
)
def test_what_cannot_be_read(line: str, why: str) -> None:
    with pytest.raises(BadCondition, match=why):
        listed(line)


@pytest.mark.parametrize(
    ("rules", "client", "rule"),
    [
        pytest.param("allow [kubernetes/client-namespace] !~ '^tenant-'", NOBODY, "default", id="not like"),
        pytest.param("allow [kubernetes/client-namespace] != 'tenant-a'", NODE, "default", id="not equal"),
        pytest.param(
            "allow [kubernetes/client-namespace] == [kubernetes/client-pod-name]", NOBODY, "default", id="both"
        ),
        pytest.param("allow !([kubernetes/client-namespace] == 'x')", NOBODY, "default", id="negated"),
        pytest.param("allow [kubernetes/client-label/app] == ''", NOBODY, "default", id="label"),
        pytest.param("block [kubernetes/client-namespace] == 'tenant-b'\nallow true", NOBODY, "1", id="block"),
        pytest.param("refuse [kubernetes/client-label/x] =~ 'y'\nallow true", NODE, "1", id="refuse"),
        pytest.param("allow type == 'A' || [kubernetes/client-namespace] == 'x'", NOBODY, "1", id="or"),
        pytest.param("allow type == 'TXT' && [kubernetes/client-namespace] != 'x'", NOBODY, "default", id="and"),
        pytest.param(
            "drop type == 'TXT' && [kubernetes/client-namespace] == 'x'\nallow true", NOBODY, "2", id="certain"
        ),
        pytest.param("allow atoi(type) == 1 || atoi(type) != 1", NOBODY, "default", id="no number"),
        pytest.param("allow 1 / 0 == 1 || 1 % 0 != 1", NOBODY, "default", id="nothing to divide by"),
    ],
)
def test_what_is_not_known_opens_nothing(rules: str, client: Identity, rule: str) -> None:
    verdict = decide(engine(rules), asked("www.example", client))
    assert verdict.rule == f"firewall/query/{rule}"


@pytest.mark.parametrize(
    ("rules", "addresses", "rule"),
    [
        pytest.param(
            "block incidr(response_ip, '10.0.0.0/8')", ("192.0.2.1", "10.0.0.1"), "1", id="a decoy comes first"
        ),
        pytest.param("block incidr(response_ip, '10.0.0.0/8')", ("::ffff:10.0.0.1",), "1", id="mapped"),
        pytest.param("block incidr(response_ip, '2001:db8::/32')", ("2001:db8::1",), "1", id="IPv6"),
        pytest.param("block incidr(response_ip, '10.0.0.0/8')", (), "default", id="no address"),
        pytest.param("block !incidr(response_ip, '10.0.0.0/8')", ("10.0.0.1",), "default", id="all inside"),
        pytest.param(
            "allow incidr(response_ip, '10.0.0.0/8')\nblock true", ("10.0.0.1", "192.0.2.1"), "2", id="not all"
        ),
        pytest.param("allow incidr(response_ip, '10.0.0.0/8')\nblock true", ("10.0.0.1", "10.0.0.2"), "1", id="all"),
        pytest.param("allow response_ip != '10.0.0.1'\nblock true", (), "2", id="an allow without addresses"),
        pytest.param("block rcode == 'NXDOMAIN'", (), "default", id="rcode"),
    ],
)
def test_all_addresses_of_an_answer_count(rules: str, addresses: tuple[str, ...], rule: str) -> None:
    verdict = decide(engine(rules, RESPONSE), asked(addresses=addresses))
    assert verdict.rule == f"firewall/response/{rule}"


@pytest.mark.parametrize(
    ("direction", "question", "action"),
    [
        pytest.param(Direction.QUERY, asked(), Action.BLOCK, id="a question that no rule decides"),
        pytest.param(RESPONSE, asked(addresses=("10.0.0.1",)), Action.ALLOW, id="an answer that no rule decides"),
        pytest.param(RESPONSE, asked(), Action.ALLOW, id="no list for questions"),
        pytest.param(Direction.QUERY, asked(addresses=("10.0.0.1",)), Action.ALLOW, id="no list for answers"),
    ],
)
def test_when_no_rule_decides(direction: Direction, question: PolicyInput, action: Action) -> None:
    assert decide(engine("allow false", direction), question).action is action


class Scripted:
    """Another engine, which says by address what it is told to; `asked` are the addresses it was asked about."""

    reads: frozenset[Path] = frozenset({("query", "name")})
    holds = 2.0

    def __init__(self, *said: Listed | None) -> None:
        self._said = list(said)
        self.asked: list[str | None] = []

    async def ask(self, question: PolicyInput, address: str | None, deadline: float) -> Listed | None:
        self.asked.append(address)
        return self._said.pop(0)


def beside(direction: Direction, *said: Listed | None) -> FirewallEngine:
    return FirewallEngine([RuleList(direction, (Asked("other"),))], {"other": Scripted(*said)})


@pytest.mark.parametrize(
    ("direction", "said", "addresses", "shown"),
    [
        pytest.param(Direction.QUERY, [Listed.ALLOW], None, (Action.ALLOW, "1"), id="allow"),
        pytest.param(Direction.QUERY, [Listed.DROP], None, (Action.BLOCK, "1"), id="drop"),
        pytest.param(Direction.QUERY, [None], None, (Action.BLOCK, "default"), id="says nothing to a question"),
        pytest.param(RESPONSE, [None], (), (Action.BLOCK, "default"), id="says nothing to an answer"),
        pytest.param(
            RESPONSE, [Listed.ALLOW, Listed.BLOCK], ("10.0.0.1", "10.0.0.2"), (Action.BLOCK, "1"), id="second"
        ),
        pytest.param(RESPONSE, [Listed.ALLOW, None], ("10.0.0.1", "10.0.0.2"), (Action.BLOCK, "default"), id="not all"),
        pytest.param(RESPONSE, [Listed.ALLOW, Listed.ALLOW], ("10.0.0.1", "10.0.0.2"), (Action.ALLOW, "1"), id="all"),
    ],
)
def test_another_engine(
    direction: Direction, said: list[Listed | None], addresses: tuple[str, ...] | None, shown: tuple[Action, str]
) -> None:
    verdict = decide(beside(direction, *said), asked(addresses=addresses))
    assert (verdict.action, verdict.rule) == (shown[0], f"firewall/{direction}/{shown[1]}")
    assert verdict.holds == 2.0


def test_the_footprint_is_what_the_conditions_name() -> None:
    made = engine("allow [kubernetes/client-label/app] == 'web' && type == 'A'")
    expected = {("client", "kind"), ("client", "labels", "app"), ("query", "type")}
    assert (made.footprint.paths, made.footprint.timeless) == (expected, True)
    assert engine("allow true", RESPONSE).footprint.reads("phase")
    assert not engine("allow random() < 1").footprint.timeless


def test_chance_is_not_remembered() -> None:
    assert decide(engine("allow random() < 2"), asked()).holds == 0.0


def test_no_time_is_left() -> None:
    with pytest.raises(EngineTimeout):
        decide(engine("allow false\nallow true"), asked(), seconds=-1)


def test_a_revision_is_that_of_the_text() -> None:
    assert engine("allow true").revision == engine("allow true").revision != engine("allow !false").revision
