from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import dns.rdata
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.chain.plugin import ClientFact
from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.model.answer import STABLE, Answer, Drop, ExtendedError, Freshness, Reply
from dnspolicy.model.errors import BadName, ConfigError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Edns, Query, Via
from dnspolicy.model.rr import Class, Rcode, Record, type_number
from dnspolicy.plugins.rewrite import Config, Rewrite
from dnspolicy.plugins.rewrite.handler import MAX_DEPTH
from dnspolicy.plugins.rewrite.parse import parse
from dnspolicy.wire import rdata


def record(text: str) -> Record:
    """`OWNER TTL TYPE DATA`."""
    owner, ttl, kind, data = text.split(maxsplit=3)
    wire = dns.rdata.from_text("IN", kind, data, origin=dns.name.root, relativize=False).to_wire()
    return Record(from_text(owner), int(dns.rdatatype.from_text(kind)), int(ttl), wire)


def texts(records: tuple[Record, ...]) -> list[str]:
    return [f"{r.owner}. {r.ttl} {dns.rdatatype.to_text(r.type)} {rdata.text(r)}" for r in records]


def configs_of(folder: Path, text: str) -> tuple[Config, ...]:
    """Raises ConfigError with every complaint."""
    (folder / "Corefile").write_text(f". {{\n{text}\n}}\n")
    complaints = Complaints()
    found = [bind(d, Config, complaints) for d in load(folder / "Corefile", {}).blocks[0].directives]
    complaints.raise_if_any()
    return tuple(config for config in found if config is not None)


class Labels:
    """Knows one label."""

    def describe(self, label: str, subject: Subject) -> str | None:
        return "Team-A" if label == "kubernetes/client-namespace" else None

    def facts_of(self, label: str) -> frozenset[ClientFact]:
        return frozenset({("namespace",)}) if label == "kubernetes/client-namespace" else frozenset()


class Chain:
    """Rewrite rules, and what stands behind them: an answer for every name."""

    def __init__(self, folder: Path, rules: str, says: Callable[[Query], Reply] | None = None) -> None:
        self.metadata = Metadata()
        self.metadata.describers.append(Labels())
        self.room = Rewrite(configs_of(folder, rules), metadata=self.metadata)
        self.asked: list[Query] = []
        self._says = says or (
            lambda query: Answer(answer=(record(f"{query.name}. 300 A 198.51.100.10"),), fresh=STABLE)
        )

    def ask(
        self, name: str, kind: str = "A", edns: Edns | None = None, source: str = "10.1.2.3", depth: int = 0
    ) -> Reply:
        asked = from_text(name)
        query = Query(asked, type_number(kind), asked, edns=edns)
        ctx = QueryContext(source, 4711, 0.0, 5.0, self._next, server_ip="10.0.0.10", server_port=53, depth=depth)
        return asyncio.run(self.room.handle(query, ctx, self._next))

    def answer(self, name: str, kind: str = "A", depth: int = 0) -> Answer:
        reply = self.ask(name, kind, depth=depth)
        assert isinstance(reply, Answer)
        return reply

    async def _next(self, query: Query, ctx: QueryContext) -> Reply:
        self.asked.append(query)
        return self._says(query)


CLUSTER = r"""
rewrite name exact old.lab.test www.lab.test
rewrite name suffix .shop.internal .shop.svc.cluster.local answer auto
rewrite name suffix .quiet.internal .shop.svc.cluster.local
rewrite stop {
    name regex (.*)\.re\.test {1}.lab.test
    answer name (.*)\.lab\.test {1}.re.test
}
rewrite name regex (.*)\.auto\.test {1}.lab.test answer auto
rewrite name prefix pre. www. answer auto
rewrite name substring .mid. .lab. answer auto
"""


@pytest.mark.parametrize(
    ("name", "resolved", "owner"),
    [
        pytest.param("old.lab.test", "www.lab.test", "old.lab.test", id="exact-is-turned-back"),
        pytest.param("OLD.lab.test", "www.lab.test", "old.lab.test", id="letters-do-not-count"),
        pytest.param("web.shop.internal", "web.shop.svc.cluster.local", "web.shop.internal", id="suffix-auto"),
        pytest.param("web.quiet.internal", "web.shop.svc.cluster.local", "web.shop.svc.cluster.local", id="suffix"),
        pytest.param("www.re.test", "www.lab.test", "www.re.test", id="regex-with-answer-name"),
        pytest.param("www.auto.test", "www.lab.test", "www.auto.test", id="regex-auto"),
        pytest.param("pre.lab.test", "www.lab.test", "pre.lab.test", id="prefix"),
        pytest.param("prefix.lab.test", "prefix.lab.test", "prefix.lab.test", id="prefix-is-whole-labels"),
        pytest.param("a.mid.test", "a.lab.test", "a.mid.test", id="substring"),
        pytest.param("other.test", "other.test", "other.test", id="no-rule"),
    ],
)
def test_names_are_rewritten_and_turned_back(name: str, resolved: str, owner: str, tmp_path: Path) -> None:
    chain = Chain(tmp_path, CLUSTER)
    answer = chain.answer(name)
    assert str(chain.asked[0].name) == resolved
    assert chain.asked[0].asked == from_text(name)
    assert chain.asked[0].via is (Via.CLIENT if from_text(resolved) == from_text(name) else Via.REWRITE)
    assert texts(answer.answer) == [f"{owner}. 300 A 198.51.100.10"]


def test_an_owner_that_is_turned_back_has_the_letters_of_the_question(tmp_path: Path) -> None:
    answer = Chain(tmp_path, CLUSTER).answer("OLD.Lab.test")
    assert answer.answer[0].owner.wire == from_text("OLD.Lab.test").wire


@pytest.mark.parametrize(
    ("rules", "resolved"),
    [
        pytest.param("rewrite continue name a.test b.test\nrewrite name b.test c.test", "c.test", id="continue"),
        pytest.param("rewrite name a.test b.test\nrewrite name b.test c.test", "b.test", id="stop-is-the-default"),
        pytest.param("rewrite name x.test y.test\nrewrite name a.test c.test", "c.test", id="stop-only-if-it-did"),
        pytest.param("rewrite {\nname a.test b.test\n}", "b.test", id="block-without-mode"),
    ],
)
def test_rules_of_several_lines_are_one_list(rules: str, resolved: str, tmp_path: Path) -> None:
    chain = Chain(tmp_path, rules)
    answer = chain.answer("a.test")
    assert str(chain.asked[0].name) == resolved
    assert str(answer.answer[0].owner) == "a.test"


DATA = {
    "MX": "10 mail.lab.test.", "SRV": "1 2 3 srv.lab.test.", "CNAME": "www.lab.test.", "PTR": "host.lab.test.",
    "NS": "ns.lab.test.", "DNAME": "d.lab.test.", "NAPTR": '1 2 "u" "E2U+sip" "" n.lab.test.',
    "SOA": "ns.lab.test. host.lab.test. 1 2 3 4 5", "TXT": '"www.lab.test."',
}  # fmt: skip


@pytest.mark.parametrize("kind", DATA)
def test_names_in_records_are_turned_back_too(kind: str, tmp_path: Path) -> None:
    rules = r"rewrite name suffix .val.test .lab.test answer auto answer value (.*)\.val\.test\. {1}.new.test."
    where = (record(f"x.lab.test. 60 {kind} {DATA[kind]}"),)
    chain = Chain(tmp_path, rules, lambda _: Answer(answer=where, authority=where, additional=where))
    answer = chain.answer("x.val.test", kind)
    # the explicit rule runs first, on names that are not turned back yet
    data = DATA[kind] if kind == "TXT" else DATA[kind].replace(".lab.test.", ".val.test.", 1)
    expected = texts((record(f"x.val.test. 60 {kind} {data}"),))
    assert [texts(section) for section in (answer.answer, answer.authority, answer.additional)] == [expected] * 3


def test_answer_value_changes_what_records_point_at(tmp_path: Path) -> None:
    rules = r"""rewrite stop {
        name suffix .arpa .arpa
        answer name auto
        answer value (.*)\.service\.consul\. {1}.rocks.
    }"""
    chain = Chain(tmp_path, rules, lambda q: Answer(answer=(record(f"{q.name}. 60 PTR ftp.service.consul."),)))
    assert texts(chain.answer("30.10.in-addr.arpa", "PTR").answer) == ["30.10.in-addr.arpa. 60 PTR ftp.rocks."]


@pytest.mark.parametrize(
    ("bounds", "ttl", "shown"),
    [
        pytest.param("15", 300, 15, id="fixed"),
        pytest.param("20-40", 300, 40, id="above"),
        pytest.param("20-40", 5, 20, id="below"),
        pytest.param("20-40", 30, 30, id="between"),
        pytest.param("30-", 5, 30, id="only-least"),
        pytest.param("-30", 300, 30, id="only-most"),
    ],
)
def test_ttls(bounds: str, ttl: int, shown: int, tmp_path: Path) -> None:
    chain = Chain(
        tmp_path, f"rewrite ttl a.test {bounds}", lambda q: Answer(answer=(record(f"{q.name}. {ttl} A 1.1.1.1"),))
    )
    assert chain.answer("a.test").answer[0].ttl == shown
    assert chain.answer("b.test").answer[0].ttl == ttl


@pytest.mark.parametrize(
    ("bounds", "ttls", "expected"),
    [
        pytest.param("15", [300, 5], Freshness(60.0), id="fixed-stays-as-it-is"),
        pytest.param("20-40", [300], Freshness(60.0), id="clipped-until-it-counts-down"),
        pytest.param("20-40", [50], Freshness(10.0), id="clipped-for-a-while"),
        pytest.param("20-40", [35], Freshness(15.0, aged_since=7.0), id="counts-down-to-the-least"),
        pytest.param("20-40", [5], Freshness(60.0), id="raised"),
        pytest.param("20-40", [5, 30], Freshness(0.0), id="not-all-alike"),
    ],
)
def test_ttls_that_count_down_do_so_between_the_bounds(
    bounds: str, ttls: list[int], expected: Freshness, tmp_path: Path
) -> None:
    records = tuple(record(f"a.test. {ttl} A 1.1.1.{ttl % 256}") for ttl in ttls)
    chain = Chain(
        tmp_path,
        f"rewrite ttl a.test {bounds}",
        lambda _: Answer(answer=records, fresh=Freshness(60.0, aged_since=7.0)),
    )
    assert chain.answer("a.test").fresh == expected


@pytest.mark.parametrize(
    ("rule", "name", "rcode"),
    [
        pytest.param("rcode exact fail.test SERVFAIL NXDOMAIN", "fail.test", Rcode.NXDOMAIN, id="by-name"),
        pytest.param("rcode regex (.*)\\.test 2 0", "x.test", Rcode.NOERROR, id="by-number"),
        pytest.param("rcode suffix .test NXDOMAIN NOERROR", "x.test", Rcode.SERVFAIL, id="another-code-stays"),
        pytest.param("rcode other.test SERVFAIL NOERROR", "x.test", Rcode.SERVFAIL, id="another-name-stays"),
    ],
)
def test_response_codes(rule: str, name: str, rcode: Rcode, tmp_path: Path) -> None:
    assert Chain(tmp_path, f"rewrite {rule}", lambda _: Answer(Rcode.SERVFAIL)).answer(name).rcode == rcode


def test_type_and_class(tmp_path: Path) -> None:
    chain = Chain(tmp_path, "rewrite continue type AAAA A\nrewrite class IN CH")
    chain.ask("a.test", "AAAA")
    assert (chain.asked[0].qtype, chain.asked[0].qclass) == (type_number("A"), Class.CH)


def aliased(query: Query) -> Reply:
    if query.name == from_text("my.test"):
        names = ("my.test. 60 CNAME b.test.", "b.test. 60 CNAME b.cdn.test.", "b.cdn.test. 300 A 20.2.0.1")
        return Answer(answer=tuple(map(record, names)))
    if query.name == from_text("b.other.test"):
        return Answer(answer=(record("b.other.test. 100 A 30.3.1.2"),))
    return Drop("unknown")


def test_the_target_of_an_alias_is_replaced_by_what_the_new_one_has(tmp_path: Path) -> None:
    chain = Chain(tmp_path, r"rewrite cname regex (.*)\.cdn\.test\. {1}.other.test.", aliased)
    assert texts(chain.answer("my.test").answer) == [
        "my.test. 60 CNAME b.test.", "b.test. 60 CNAME b.other.test.", "b.other.test. 100 A 30.3.1.2",
    ]  # fmt: skip
    assert chain.asked[1].via is Via.CNAME


def test_an_alias_stays_when_its_new_target_is_not_answered(tmp_path: Path) -> None:
    chain = Chain(tmp_path, "rewrite cname b.cdn.test nobody.test", aliased)
    answer = chain.answer("my.test")
    assert (len(answer.answer), answer.fresh.ttl) == (3, 0.0)


@pytest.mark.parametrize(
    ("target", "rotate"),
    [
        pytest.param(Answer(fresh=STABLE, ordered=True), False, id="an order that was chosen"),
        pytest.param(Answer(fresh=STABLE, rotate=True), True, id="in turn"),
        pytest.param(Answer(fresh=STABLE, rotate=True, groups=(1, 1)), False, id="in groups"),
    ],
)
def test_the_new_target_says_in_which_order_its_records_are(target: Answer, rotate: bool, tmp_path: Path) -> None:
    first = Answer(answer=(record("my.test. 60 CNAME b.test."),), fresh=STABLE, rotate=True, groups=(2,))
    chain = Chain(tmp_path, "rewrite cname b.test c.test", lambda q: first if str(q.name) == "my.test" else target)
    answer = chain.answer("my.test")
    assert (answer.rotate, answer.groups, answer.ordered) == (rotate, (), target.ordered)
    assert (answer.fresh, answer.private) == (STABLE, True)


def test_what_the_new_target_says_of_itself_is_said_of_the_answer(tmp_path: Path) -> None:
    target = Answer(tc=True, ede=(ExtendedError(15, "not this"),), fresh=Freshness(9.0))
    first = Answer(answer=(record("my.test. 60 CNAME b.test."),), ede=(ExtendedError(3),), fresh=STABLE)
    chain = Chain(tmp_path, "rewrite cname b.test c.test", lambda q: first if str(q.name) == "my.test" else target)
    answer = chain.answer("my.test")
    assert (answer.tc, [error.code for error in answer.ede], answer.fresh) == (True, [3, 15], Freshness(9.0))


@pytest.mark.parametrize(("depth", "followed"), [(MAX_DEPTH - 1, True), (MAX_DEPTH, False)], ids=["deep", "too deep"])
def test_targets_are_not_followed_without_end(depth: int, followed: bool, tmp_path: Path) -> None:
    chain = Chain(tmp_path, r"rewrite cname regex (.*)\.cdn\.test\. {1}.other.test.", aliased)
    answer = chain.answer("my.test", depth=depth)
    assert (str(answer.answer[-1].owner) == "b.other.test") is followed


def test_a_transfer_passes_as_it_is(tmp_path: Path) -> None:
    zone = Answer(answer=(record("b.test. 60 NS b.test."),), transfer=True)
    chain = Chain(tmp_path, "rewrite name exact a.test b.test\nrewrite ttl a.test 5", lambda _: zone)
    assert chain.answer("a.test", "AXFR") is zone


@pytest.mark.parametrize(
    ("rules", "options"),
    [
        pytest.param("edns0 local set 0xffee abcd", ((0xFFEE, b"abcd"),), id="text"),
        pytest.param("edns0 local set 65518 0x61626364", ((0xFFEE, b"abcd"),), id="hexadecimal"),
        pytest.param("edns0 local set 0xffee {qname}", ((0xFFEE, b"a.test."),), id="qname"),
        pytest.param("edns0 local set 0xffee {qtype}", ((0xFFEE, b"\0\1"),), id="qtype"),
        pytest.param("edns0 local set 0xffee {client_ip}", ((0xFFEE, b"\x0a\1\2\3"),), id="client_ip"),
        pytest.param("edns0 local set 0xffee {client_port}", ((0xFFEE, b"\x12\x67"),), id="client_port"),
        pytest.param("edns0 local set 0xffee {protocol}", ((0xFFEE, b"udp"),), id="protocol"),
        pytest.param("edns0 local set 0xffee {server_ip}", ((0xFFEE, b"\x0a\0\0\x0a"),), id="server_ip"),
        pytest.param("edns0 local set 0xffee {server_port}", ((0xFFEE, b"\0\x35"),), id="server_port"),
        pytest.param("edns0 local set 0xffee {kubernetes/client-namespace}", ((0xFFEE, b"Team-A"),), id="metadata"),
        pytest.param("edns0 local set 0xffee {no/body}", (), id="metadata-nobody-knows"),
        pytest.param("edns0 local replace 0xffee x", (), id="replace-needs-one"),
        pytest.param("edns0 local replace 7 x", ((7, b"x"),), id="replace-one-of-the-client"),
        pytest.param("edns0 local append 8 x", ((8, b"x"),), id="append"),
        pytest.param("edns0 local append 7 x", (), id="append-to-what-the-client-sent"),
        pytest.param("edns0 nsid set revert", ((3, b""),), id="nsid"),
        pytest.param("edns0 subnet set 20 56", ((8, b"\0\1\x14\0\x0a\1\0"),), id="subnet"),
        pytest.param("edns0 subnet set 0 0", ((8, b"\0\1\0\0"),), id="subnet-tells-nothing"),
    ],
)
def test_options_for_upstreams(rules: str, options: tuple[tuple[int, bytes], ...], tmp_path: Path) -> None:
    chain = Chain(tmp_path, f"rewrite {rules}")
    chain.ask("a.test", edns=Edns(1232, options=((7, b"client's"),)))
    assert chain.asked[0].upstream_options == options


@pytest.mark.parametrize(
    ("bits", "source", "data"),
    [
        ("20 56", "2001:db8:1234:56ff::1", "0002 38 00 20010db8123456"),
        ("20 49", "2001:db8:1234:ffff::1", "0002 31 00 20010db8123480"),
        ("20 128", "2001:db8::1", "0002 80 00 20010db8000000000000000000000001"),
        ("23 56", "10.1.3.9", "0001 17 00 0a0102"),
        ("32 56", "10.1.3.9", "0001 20 00 0a010309"),
        ("1 56", "192.0.2.1", "0001 01 00 80"),
    ],
    ids=["v6", "v6 within a byte", "all of v6", "v4 within a byte", "all of v4", "one bit"],
)
def test_so_many_bits_of_an_address_are_told(bits: str, source: str, data: str, tmp_path: Path) -> None:
    chain = Chain(tmp_path, f"rewrite edns0 subnet set {bits}")
    chain.ask("a.test", source=source)
    assert chain.asked[0].upstream_options == ((8, bytes.fromhex(data)),)


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        pytest.param("set 1 b", ((1, b"b"),), id="set"),
        pytest.param("replace 1 b", ((1, b"b"),), id="replace"),
        pytest.param("append 1 b", ((1, b"a"),), id="append"),
        pytest.param("unset 1", (), id="unset"),
    ],
)
def test_a_later_rule_finds_the_option_of_an_earlier_one(
    rule: str, options: tuple[tuple[int, bytes], ...], tmp_path: Path
) -> None:
    chain = Chain(tmp_path, f"rewrite continue edns0 local set 1 a\nrewrite edns0 local {rule}")
    chain.ask("a.test")
    assert chain.asked[0].upstream_options == options


def test_an_option_of_the_client_can_be_unset(tmp_path: Path) -> None:
    chain = Chain(tmp_path, "rewrite edns0 local unset 7")
    chain.ask("a.test", edns=Edns(1232, options=((7, b"client's"), (9, b"other"))))
    assert chain.asked[0].edns == Edns(1232, options=((9, b"other"),))


@pytest.mark.parametrize(
    ("rules", "reads"),
    [
        pytest.param("rewrite name a.test b.test", set(), id="nothing"),
        pytest.param("rewrite edns0 local set 1 {client_ip}", {("ip",)}, id="client-address"),
        pytest.param("rewrite edns0 subnet set 24 56", {("ip",)}, id="subnet"),
        pytest.param("rewrite edns0 local set 1 {kubernetes/client-namespace}", {("namespace",)}, id="label-as-option"),
        pytest.param(
            "rewrite name regex x {kubernetes/client-namespace}.y metadata", {("namespace",)}, id="label-in-name"
        ),
    ],
)
def test_what_is_read_of_clients(rules: str, reads: set[ClientFact], tmp_path: Path) -> None:
    assert Chain(tmp_path, rules).room.reads == reads


@pytest.mark.parametrize(
    ("data", "ttl"),
    [("{client_port}", 0.0), ("{protocol}", 0.0), ("{server_ip}", 0.0), ("{client_ip}", None), ("{qname}", None)],
)
def test_an_answer_to_what_only_one_query_has_is_not_used_again(data: str, ttl: float | None, tmp_path: Path) -> None:
    assert Chain(tmp_path, f"rewrite edns0 local set 1 {data}").answer("a.test").fresh.ttl == ttl


def test_metadata_in_names(tmp_path: Path) -> None:
    rules = r"rewrite name regex ^([^.]+)\.example\.$ {1}.{kubernetes/client-namespace}.svc.test metadata answer auto"
    chain = Chain(tmp_path, rules)
    assert texts(chain.answer("web.example").answer) == ["web.example. 300 A 198.51.100.10"]
    assert str(chain.asked[0].name) == "web.team-a.svc.test"


def test_a_rule_with_a_label_without_value_is_skipped(tmp_path: Path) -> None:
    chain = Chain(tmp_path, "rewrite name regex .* {no/body}.test metadata\nrewrite name a.test b.test")
    chain.ask("a.test")
    assert str(chain.asked[0].name) == "b.test"


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        pytest.param(r"name regex ^(.*)\.x\.$ {1}..y", "a.x", id="empty-label"),
        pytest.param(r"name regex ^(.*)\.x\.$ {1}{1}.y", "a" * 40 + ".x", id="long-label"),
        pytest.param(r"name regex ^(.*)\.x\.$ {1}.{1}.{1}.{1}.{1}", "a" * 60 + ".x", id="long-name"),
    ],
)
def test_a_name_that_is_none_is_an_error(rule: str, name: str, tmp_path: Path) -> None:
    chain = Chain(tmp_path, f"rewrite {rule}")
    with pytest.raises(BadName):
        chain.ask(name)
    assert chain.asked == []


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){20}b"])
def test_no_name_takes_a_rule_long(pattern: str, tmp_path: Path) -> None:
    chain = Chain(tmp_path, f"rewrite name regex {pattern} x.test")
    chain.ask(".".join(["a" * 63] * 3))
    assert len(chain.asked) == 1


@pytest.mark.parametrize(
    ("rule", "column", "wrong"),
    [
        pytest.param("rewrite", 1, "lacks what is to be rewritten", id="nothing"),
        pytest.param("rewrite stop", 1, "lacks what is to be rewritten", id="only-mode"),
        pytest.param("rewrite nmae a b", 9, "'nmae' cannot be rewritten", id="unknown-field"),
        pytest.param("rewrite answer name a b", 9, "must stand behind a name rule", id="answer-alone"),
        pytest.param("rewrite name exact a.test", 1, "lacks words", id="name-without-to"),
        pytest.param("rewrite name exakt a.test b.test", 14, "no way to compare names", id="unknown-match"),
        pytest.param("rewrite name regex ( b.test", 20, "is not a regular expression", id="bad-pattern"),
        pytest.param("rewrite name regex a {1}.test", 22, "uses group {1}", id="unknown-group"),
        pytest.param("rewrite name exact a.test b..test", 27, "'b..test'", id="no-name"),
        pytest.param("rewrite name suffix a b answer", 25, "lacks auto, name or value", id="answer-without-kind"),
        pytest.param("rewrite name suffix a b auto", 25, "expected answer", id="auto-without-answer"),
        pytest.param("rewrite name suffix a b answer auto name x y", 32, "exclude each other", id="auto-and-names"),
        pytest.param("rewrite name prefix a b metadata", 25, "regex rules only", id="metadata-without-regex"),
        pytest.param("rewrite name regex a {x}.b metadata", 22, "neither a group nor", id="no-label"),
        pytest.param("rewrite type A QQ", 16, "is not a record type", id="no-type"),
        pytest.param("rewrite class IN XX", 18, "is not a class", id="no-class"),
        pytest.param("rewrite type A", 1, "lacks words", id="type-without-to"),
        pytest.param("rewrite ttl a.test -", 20, "is not a TTL", id="ttl-without-bounds"),
        pytest.param("rewrite ttl a.test 40-20", 20, "is not a range", id="ttl-upside-down"),
        pytest.param("rewrite ttl a.test 99999999999", 20, "is not a TTL", id="ttl-too-long"),
        pytest.param("rewrite rcode a.test SERVFAIL WHAT", 31, "is not a response code", id="no-rcode"),
        pytest.param("rewrite rcode a.test 2 24", 24, "is not a response code", id="rcode-too-high"),
        pytest.param("rewrite cname a b c", 15, "no way to compare names", id="cname-without-match"),
        pytest.param("rewrite edns0 local add 1 a", 21, "cannot be done to an option", id="no-action"),
        pytest.param("rewrite edns0 locl set 1 a", 15, "is no kind of option", id="no-kind"),
        pytest.param("rewrite edns0 local set 65536 a", 25, "is not an option code", id="no-code"),
        pytest.param("rewrite edns0 local set 1 0x6", 27, "is not hexadecimal", id="half-a-byte"),
        pytest.param("rewrite edns0 local set 1 {client}", 27, "neither a variable nor", id="no-variable"),
        pytest.param("rewrite edns0 local unset 1 a", 29, "is one word too many", id="unset-with-data"),
        pytest.param("rewrite edns0 subnet set 33 56", 26, "is not a number of bits", id="no-bits"),
        pytest.param("rewrite edns0 nsid set x", 24, "is one word too many", id="nsid-with-data"),
    ],
)
def test_a_complaint_stands_at_the_wrong_word(rule: str, column: int, wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        configs_of(tmp_path, rule)
    assert f":2:{column}: " in str(refused.value)
    assert wrong in str(refused.value)


WORDS = st.sampled_from(
    ["stop", "continue", "name", "ttl", "rcode", "cname", "edns0", "type", "local", "subnet", "set", "exact", "regex",
     "suffix", "answer", "auto", "value", "metadata", "a.test", "(.*)", "{1}.b", "{x/y}.b", "30-", "2", "0x61", "A"]
)  # fmt: skip


@given(st.lists(WORDS | st.text(max_size=12), max_size=9))
def test_any_words_are_a_rule_or_a_complaint(words: list[str]) -> None:
    try:
        rule = parse(tuple(words))
    except ValueError:
        return
    assert rule.stop in (True, False)


LABEL = st.text("ab1-_", min_size=1, max_size=20)


@given(
    st.lists(LABEL, min_size=1, max_size=6), st.sampled_from(["prefix", "suffix", "substring", "regex"]), LABEL, LABEL
)
def test_a_rewritten_name_is_a_name_or_an_error(labels: list[str], match: str, old: str, new: str) -> None:
    room = Rewrite((Config(words=("name", match, old, new, "answer", "auto")),), metadata=Metadata())
    seen: list[Query] = []

    async def answered(query: Query, ctx: QueryContext) -> Reply:
        seen.append(query)
        return Answer(answer=(Record(query.name, 1, 5, b"\1\1\1\1"),))

    name = from_text(".".join(labels))
    query = Query(name, 1, name)
    try:
        reply = asyncio.run(room.handle(query, QueryContext("::1", 1, 0.0, 5.0, answered), answered))
    except BadName:
        assert seen == []
        return
    assert isinstance(reply, Answer)
    assert from_text(str(seen[0].name)) == seen[0].name
    assert all(from_text(str(r.owner)) == r.owner for r in reply.answer)
