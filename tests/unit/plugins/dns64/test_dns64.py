from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.chain.plugin import NO_FACTS
from dnspolicy.model.answer import Answer, Drop, Freshness, Reply, Rests
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.dns64 import Config, Dns64
from dnspolicy.plugins.dns64.config import parse_prefix
from dnspolicy.plugins.dns64.handler import embedded
from dnspolicy.policy.footprint import client_projector
from tests.unit.through import answered, query, record, shown, through

V4, V6 = "192.0.2.7", "2001:db8::7"
A = record("www.test", "A", b"\xc0\x00\x02\x21", 300)
AAAA = record("www.test", "AAAA", bytes(15) + b"\x05", 300)
ALIAS = record("www.test", "CNAME", b"\x01x\x00", 300)
SOA = record("test", "SOA", b"\x00\x00" + bytes(20), 40)
MADE = "www.test. {} AAAA 64:ff9b::c000:221"


def room(**options: object) -> Dns64:
    return Dns64(Config(**options), metrics=Metrics(), server="dns://:53")


def says(aaaa: Reply, a: Reply) -> object:
    return lambda asked: aaaa if asked.qtype == Type.AAAA else a


@pytest.mark.parametrize(
    ("aaaa", "expected"),
    [
        pytest.param(Answer(), [MADE.format(300)], id="no address: the TTL of A, at most 600"),
        pytest.param(Answer(authority=(SOA,)), [MADE.format(40)], id="no address: at most the TTL of the SOA"),
        pytest.param(Answer(Rcode.SERVFAIL), [MADE.format(300)], id="an error"),
        pytest.param(Answer(answer=(ALIAS,)), [MADE.format(300)], id="an alias alone"),
        pytest.param(Answer(answer=(AAAA,)), None, id="an address of its own"),
        pytest.param(Answer(Rcode.NXDOMAIN, authority=(SOA,)), None, id="no such name"),
        pytest.param(Answer(tc=True), None, id="cut off before its addresses"),
        pytest.param(Answer(Rcode.NXDOMAIN, made_by="policy"), None, id="blocked as missing"),
        pytest.param(Answer(made_by="policy"), None, id="blocked as empty"),
        pytest.param(Answer(Rcode.REFUSED, made_by="acl"), None, id="refused by acl"),
        pytest.param(Drop("x"), None, id="dropped"),
    ],
)
def test_when_addresses_are_made(aaaa: Reply, expected: list[str] | None) -> None:
    reply, seen = through(room(), query("www.test", "AAAA"), says(aaaa, Answer(answer=(A,))), V6)
    if expected is None:
        assert (reply, [q.qtype for q in seen]) == (aaaa, [Type.AAAA])
    else:
        assert shown(answered(reply).answer) == expected
        assert [(q.qtype, q.name) for q in seen] == [(28, seen[0].name), (1, seen[0].name)]


@pytest.mark.parametrize(
    ("options", "source", "qtype", "made"),
    [
        pytest.param({}, V6, "AAAA", True, id="IPv6 client"),
        pytest.param({}, V4, "AAAA", False, id="IPv4 client"),
        pytest.param({"allow_ipv4": True}, V4, "AAAA", True, id="IPv4 client, allowed"),
        pytest.param({}, V6, "A", False, id="another type"),
    ],
)
def test_who_gets_them(options: dict[str, object], source: str, qtype: str, made: bool) -> None:
    reply, _ = through(room(**options), query("www.test", qtype), says(Answer(), Answer(answer=(A,))), source)
    assert (answered(reply).made_by == "dns64") == made


def test_class_ch_passes() -> None:
    below = Answer()
    assert through(room(), query("www.test", "AAAA", qclass=3), below, V6)[0] is below


def test_translate_all_replaces_addresses() -> None:
    below = says(Answer(answer=(AAAA,)), Answer(answer=(ALIAS, A)))
    reply, _ = through(room(translate_all=True), query("www.test", "AAAA"), below, V6)
    assert [r.type for r in answered(reply).answer] == [Type.CNAME, Type.AAAA]


def test_everything_else_but_aa_is_the_answer_to_a() -> None:
    found = Answer(Rcode.NOERROR, authority=(SOA,), additional=(A,), aa=True, ra=True, tc=True)
    reply = answered(through(room(), query("www.test", "AAAA"), says(Answer(), found), V6)[0])
    assert (reply.authority, reply.additional, reply.ra, reply.tc) == ((SOA,), (A,), True, True)
    assert not reply.aa


def test_it_holds_as_long_as_both_answers_do() -> None:
    one = Freshness(30.0, frozenset({(Rests.FILE, "a")}))
    two = Freshness(10.0, frozenset({(Rests.FILE, "b")}), 7.0)
    below = says(Answer(fresh=one), Answer(answer=(A,), fresh=two))
    reply = answered(through(room(), query("www.test", "AAAA"), below, V6)[0])
    assert reply.fresh == Freshness(10.0, one.rests | two.rests, 7.0)


@pytest.mark.parametrize(
    ("aged_since", "ttl"),
    [pytest.param(7.0, 40.0, id="TTLs that count down"), pytest.param(None, 900.0, id="that stay")],
)
def test_addresses_with_a_ttl_that_was_cut_are_not_reused_for_longer(aged_since: float | None, ttl: float) -> None:
    two = Freshness(900.0, aged_since=aged_since)
    below = says(Answer(authority=(SOA,), fresh=Freshness()), Answer(answer=(A,), fresh=two))
    reply = answered(through(room(), query("www.test", "AAAA"), below, V6)[0])
    assert (shown(reply.answer), reply.fresh.ttl) == ([MADE.format(40)], ttl)


def test_what_was_made_for_one_client_stays_so() -> None:
    below = says(Answer(private=True), Answer(answer=(A,)))
    assert answered(through(room(), query("www.test", "AAAA"), below, V6)[0]).private


def test_clients_of_both_families_share_no_answers_unless_treated_alike() -> None:
    clients = [Identity(ClientKind.EXTERNAL, "", ip) for ip in (V4, V6, "2001:db8::8")]
    one, two, three = map(client_projector(room().reads), clients)
    assert one != two == three
    assert room(allow_ipv4=True).reads == NO_FACTS


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
    ],
)
def test_the_examples_of_rfc_6052(prefix: str, expected: str) -> None:
    assert IPv6Address(embedded(parse_prefix(prefix), bytes((192, 0, 2, 33)))) == IPv6Address(expected)


@pytest.mark.parametrize("prefix", ["64:ff9b::", "64:ff9b::/97", "10.0.0.0/8", "x/96", "64:ff9b::/0", ""])
@pytest.mark.parametrize("option", ["network", "prefix"])
def test_prefixes_that_cannot_be(prefix: str, option: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        Config(**{option: prefix})


def test_the_option_wins_over_the_word() -> None:
    assert Config(network="2001:db8::/32", prefix="64:ff9b::/96").wanted == "64:ff9b::/96"


def test_translated_requests_are_counted_also_from_memory() -> None:
    metrics = Metrics()
    counting = Dns64(Config(), metrics=metrics, server="dns://:53")
    for made_by, times in (("dns64", 3), ("forward", 7)):
        outcome = Outcome(query("www.test", "AAAA"), Answer(made_by=made_by), V6, 1)
        counting.seen(outcome)
        counting.repeated(outcome, times, 0.0, 1.0, 0.1)
    assert metrics.counter("coredns_dns64_requests_translated_total", "", ("server",)).values == {("dns://:53",): 4}


def test_a_query_keeps_all_but_its_type() -> None:
    asked = query("www.test", "AAAA", rd=False, cd=True, id=7)
    _, seen = through(room(), asked, says(Answer(), Answer()), V6)
    assert seen == [asked, Query(asked.name, 1, asked.asked, rd=False, cd=True, id=7)]
