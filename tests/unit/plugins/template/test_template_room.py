from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import dns.rdatatype
import pytest

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.chain.metrics import Counter, Metrics, ServerLabels
from dnspolicy.chain.plugin import ClientFact
from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.model.answer import STABLE, Answer, Drop, ExtendedError, Freshness, Reply
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import ROOT, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Record
from dnspolicy.plugins.template import Config, TemplateRoom
from dnspolicy.wire import rdata

NEXT = Answer(Rcode.REFUSED, made_by="next", fresh=Freshness(30.0))
LABEL = "kubernetes/client-namespace"


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
        return "team-a" if label == LABEL else None

    def facts_of(self, label: str) -> frozenset[ClientFact]:
        return frozenset({("namespace",)}) if label == LABEL else frozenset()


class Chain:
    """Templates, and what stands behind them."""

    def __init__(self, folder: Path, text: str, says: Callable[[Query], Reply] = lambda _: NEXT) -> None:
        metadata = Metadata()
        metadata.describers.append(Labels())
        self.metrics = Metrics()
        self.room = TemplateRoom(
            configs_of(folder, text), origins=(ROOT,), metadata=metadata, metrics=self.metrics,
            labels=ServerLabels("dns://:53"),
        )  # fmt: skip
        self._says = says

    def ask(self, name: str, kind: str = "A", id: int = 7) -> Answer:
        reply = self.reply(name, kind, id)
        assert isinstance(reply, Answer)
        return reply

    def reply(self, name: str, kind: str = "A", id: int = 7) -> Reply:
        async def answered(query: Query, ctx: QueryContext) -> Reply:
            return self._says(query)

        asked = from_text(name)
        query = Query(asked, int(dns.rdatatype.from_text(kind)), asked, id=id)
        ctx = QueryContext("10.1.2.3", 4711, 0.0, 5.0, answered)
        return asyncio.run(self.room.handle(query, ctx, answered))

    def counted(self, name: str) -> dict[tuple[str, ...], float]:
        metric = next(metric for metric in self.metrics.collect() if metric.name == name)
        assert isinstance(metric, Counter)
        return metric.values


def texts(records: tuple[Record, ...]) -> list[str]:
    return [f"{r.owner}. {r.ttl} {dns.rdatatype.to_text(r.type)} {rdata.text(r)}" for r in records]


DYNAMIC = """
template IN A dyn.test {
    match "^ip-(?P<a>[0-9]+)-(?P<b>[0-9]+)-(?P<c>[0-9]+)-(?P<d>[0-9]+)[.]dyn[.]test[.]$"
    answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
    fallthrough
}
template IN A dyn.test {
    match "^hex(?P<d>[a-f0-9]{2})[.]dyn[.]test[.]$" ^none
    answer "{{ .Name }} A 10.0.0.{{ parseInt .Group.d 16 8 }}"
    fallthrough sub.dyn.test
}
template IN ANY blocked.test {
    rcode NXDOMAIN
    authority "blocked.test. 60 IN SOA ns.blocked.test. host.blocked.test. 1 60 60 60 60"
    ederror 15 "not here"
}
template IN AAAA lab.test {
    rcode NOERROR
}
template IN MX mx.test {
    answer "{{ .Name }} 60 IN MX 10 {{ .Name }}"
    additional "{{ .Name }} 60 IN A 10.0.0.1"
    authority "mx.test. 60 IN NS ns0.mx.test." "mx.test. 60 IN NS ns1.mx.test."
}
template IN A servfail.test {
    rcode SERVFAIL
}
"""


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "answer"),
    [
        pytest.param("ip-1-2-3-4.dyn.test", "A", 0, ["ip-1-2-3-4.dyn.test. 60 A 1.2.3.4"], id="first"),
        pytest.param("IP-1-2-3-4.dyn.test", "A", 0, ["ip-1-2-3-4.dyn.test. 60 A 1.2.3.4"], id="letters"),
        pytest.param("hexff.dyn.test", "A", 0, ["hexff.dyn.test. 3600 A 10.0.0.255"], id="next-template"),
        pytest.param("other.dyn.test", "A", Rcode.SERVFAIL, [], id="no-match-without-fallthrough"),
        pytest.param("x.sub.dyn.test", "A", NEXT.rcode, [], id="no-match-in-a-zone-that-falls-through"),
        pytest.param("ip-1-2-3-4.dyn.test", "AAAA", NEXT.rcode, [], id="another-type"),
        pytest.param("ip-1-2-3-4.dyn.test", "ANY", 0, ["ip-1-2-3-4.dyn.test. 60 A 1.2.3.4"], id="any-type"),
        pytest.param("other.test", "A", NEXT.rcode, [], id="another-zone"),
        pytest.param("any.blocked.test", "TXT", Rcode.NXDOMAIN, [], id="rcode"),
        pytest.param("www.lab.test", "AAAA", 0, [], id="no-records"),
        pytest.param("www.lab.test", "A", NEXT.rcode, [], id="of-another-type-goes-on"),
        pytest.param("ip-1-2-3-999.dyn.test", "A", Rcode.SERVFAIL, [], id="no-record"),
        pytest.param("a.servfail.test", "A", Rcode.SERVFAIL, [], id="servfail"),
    ],
)
def test_answers(name: str, kind: str, rcode: int, answer: list[str], tmp_path: Path) -> None:
    found = Chain(tmp_path, DYNAMIC).ask(name, kind)
    assert (found.rcode, texts(found.answer)) == (rcode, answer)


def test_sections_and_extended_error(tmp_path: Path) -> None:
    chain = Chain(tmp_path, DYNAMIC)
    found = chain.ask("a.mx.test", "MX")
    assert found.aa
    assert texts(found.answer) == ["a.mx.test. 60 MX 10 a.mx.test."]
    assert texts(found.additional) == ["a.mx.test. 60 A 10.0.0.1"]
    assert texts(found.authority) == ["mx.test. 60 NS ns0.mx.test.", "mx.test. 60 NS ns1.mx.test."]
    blocked = chain.ask("a.blocked.test")
    assert [(error.code, error.text) for error in blocked.ede] == [(15, "not here")]
    assert texts(blocked.authority) == ["blocked.test. 60 SOA ns.blocked.test. host.blocked.test. 1 60 60 60 60"]


def test_an_alias_is_followed_for_addresses(tmp_path: Path) -> None:
    address = Answer(answer=(Record(from_text("www.lab.test"), 1, 300, b"\1\2\3\4"),))
    chain = Chain(
        tmp_path,
        'template IN ANY foogle.test {\nanswer "foogle.test 60 IN CNAME www.lab.test"\n}',
        lambda query: address if query.name == from_text("www.lab.test") else Drop("unknown"),
    )
    alias = "foogle.test. 60 CNAME www.lab.test."
    assert texts(chain.ask("foogle.test").answer) == [alias, "www.lab.test. 300 A 1.2.3.4"]
    assert texts(chain.ask("foogle.test", "TXT").answer) == [alias]
    assert chain.ask("foogle.test").private


def test_an_alias_is_answered_alone_for_once_when_its_target_gets_no_reply(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 'template IN A a.test {\nanswer "a.test 60 IN CNAME b.test"\n}', lambda _: Drop("acl"))
    found = chain.ask("a.test")
    assert (texts(found.answer), found.private, found.fresh.ttl) == (["a.test. 60 CNAME b.test."], True, 0.0)


@pytest.mark.parametrize(
    ("target", "rotate"),
    [
        pytest.param(Answer(ordered=True), False, id="an order that was chosen"),
        pytest.param(Answer(rotate=True), True, id="in turn"),
        pytest.param(Answer(rotate=True, groups=(1, 1)), False, id="groups, of which it is not known where they are"),
    ],
)
def test_what_is_said_of_the_target_holds_for_the_answer(target: Answer, rotate: bool, tmp_path: Path) -> None:
    why = (ExtendedError(15, "not here"),)
    target = target.changed(fresh=Freshness(30.0))
    text = 'template IN A a.test {\nanswer "a.test 60 IN CNAME b.test"\n}'
    found = Chain(tmp_path, text, lambda _: target.changed(ede=why, tc=True)).ask("a.test")
    assert (found.ordered, found.rotate, found.ede, found.tc) == (target.ordered, rotate, why, True)
    assert (found.fresh, found.private) == (Freshness(30.0), True)


FAILING = """template IN A a.test {
    rcode SERVFAIL
    ederror 22 "broken"
}
template IN A b.test {
    answer "{{ .Name }} A nonsense"
    ederror 22 "not said of faults of the template"
}"""


@pytest.mark.parametrize(("name", "said"), [("a.test", [22]), ("b.test", [])], ids=["wanted", "a fault"])
def test_failures(name: str, said: list[int], tmp_path: Path) -> None:
    found = Chain(tmp_path, FAILING).ask(name)
    assert (found.rcode, [error.code for error in found.ede], found.answer) == (Rcode.SERVFAIL, said, ())
    assert (found.made_by, found.fresh, found.private) == ("template", STABLE, False)


def test_an_answer_of_a_template_holds_until_the_configuration_changes(tmp_path: Path) -> None:
    found = Chain(tmp_path, DYNAMIC).ask("hexff.dyn.test")
    assert (found.fresh, found.made_by, found.private) == (STABLE, "template", False)


def test_the_longest_zone_is_named(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 'template IN TXT test sub.test {\nanswer "{{ .Name }} TXT {{ .Zone }}"\n}')
    assert texts(chain.ask("a.sub.test", "TXT").answer) == ['a.sub.test. 3600 TXT "sub.test."']


def test_silence_of_those_behind_stays_silence(tmp_path: Path) -> None:
    chain = Chain(tmp_path, "template IN A a.test {\nexpr type() == 'MX'\nfallthrough\n}", lambda _: Drop("acl"))
    assert isinstance(chain.reply("a.test"), Drop)


LAN = """template IN A var.test {
    match ^(?P<ip>[0-9]{1,3}(-[0-9]{1,3}){3})[.]var[.]test[.]$
    var ip replace(group('ip'), '-', '.')
    expr "any(['10.0.0.0/8', '192.168.0.0/16'], incidr(ip, #))"
    answer "{{ .Name }} 60 IN A {{ .Var.ip }}"
    fallthrough
}"""


@pytest.mark.parametrize(
    ("name", "rcode"),
    [
        pytest.param("10-1-2-3.var.test", Rcode.NOERROR, id="holds"),
        pytest.param("192-168-2-3.var.test", Rcode.NOERROR, id="holds-for-another-item"),
        pytest.param("11-1-2-3.var.test", NEXT.rcode, id="does-not-hold"),
        pytest.param("10-1-2-300.var.test", Rcode.SERVFAIL, id="has-no-value"),
    ],
)
def test_variables_and_conditions(name: str, rcode: int, tmp_path: Path) -> None:
    assert Chain(tmp_path, LAN).ask(name).rcode == rcode


@pytest.mark.parametrize(
    ("line", "reads", "private", "ttl"),
    [
        pytest.param('answer "{{ .Name }} A 1.2.3.4"', set(), False, None, id="nothing"),
        pytest.param('answer "{{ .Name }} A {{ .Remote }}"', {("ip",)}, True, None, id="client-address"),
        pytest.param(
            f'answer "{{{{ .Name }}}} TXT {{{{ .Meta `{LABEL}` }}}}"', {("namespace",)}, True, None, id="label"
        ),
        pytest.param('answer "{{ .Name }} TXT {{ .Message.Id }}"', set(), True, 0.0, id="id"),
        pytest.param("expr client_ip() == '10.1.2.3'", {("ip",)}, True, None, id="condition-on-the-client"),
        pytest.param("expr id() == 7", set(), True, 0.0, id="condition-on-the-id"),
        pytest.param("expr proto() == 'udp'", set(), True, None, id="condition-on-the-transport"),
        pytest.param("expr type() == 'A' && !do()", set(), False, None, id="condition-on-what-caches-tell-apart"),
        pytest.param('answer "{{ .Name }} TXT {{ .Question.Name }}"', set(), True, None, id="letters-of-the-client"),
    ],
)
def test_an_answer_says_whom_it_is_for(
    line: str, reads: set[ClientFact], private: bool, ttl: float | None, tmp_path: Path
) -> None:
    chain = Chain(tmp_path, f"template IN A a.test {{\n{line}\n}}")
    found = chain.ask("a.test")
    assert found.rcode == Rcode.NOERROR
    assert (chain.room.reads, found.private, found.fresh.ttl) == (reads, private, ttl)


def test_passing_a_query_on_for_what_the_client_is_makes_the_answer_private(tmp_path: Path) -> None:
    chain = Chain(tmp_path, "template IN A a.test {\nexpr client_ip() == '10.9.9.9'\nfallthrough\n}")
    found = chain.ask("a.test")
    assert (found.made_by, found.private) == ("next", True)


def test_metrics(tmp_path: Path) -> None:
    text = "{{ index .Match 7 }}"
    chain = Chain(tmp_path, f'{DYNAMIC}\ntemplate IN A bad.test {{\nanswer "{text}"\n}}')
    for name in ("ip-1-2-3-4.dyn.test", "ip-1-2-3-999.dyn.test", "a.bad.test"):
        chain.ask(name)
    dyn, bad = (("dns://:53", zone, "", "IN", "A") for zone in ("dyn.test.", "bad.test."))
    assert chain.counted("coredns_template_matches_total") == {dyn: 2, bad: 1}
    assert chain.counted("coredns_template_template_failures_total") == {(*bad, "answer", text): 1}
    assert [key[:6] for key in chain.counted("coredns_template_rr_failures_total")] == [(*dyn, "answer")]


@pytest.mark.parametrize(
    ("text", "place", "wrong"),
    [
        pytest.param("template XX A", "2:10", "is not a class", id="no-class"),
        pytest.param("template IN XX", "2:13", "is not a record type", id="no-type"),
        pytest.param("template IN", "2:1", "lacks TYPE", id="type-missing"),
        pytest.param("template IN A {\nmatch a (\n}", "3:9", "is not a regular expression", id="bad-pattern"),
        pytest.param('template IN A {\nanswer "{{ .Nmae }}"\n}', "3:8", ".Nmae is not known", id="bad-template"),
        pytest.param("template IN A {\nrcode NOPE\n}", "3:7", "is not a response code", id="no-rcode"),
        pytest.param("template IN A {\nederror 70000\n}", "3:9", "is not right for code", id="no-ederror"),
        pytest.param("template IN A {\nvar 1x 1\n}", "3:5", "is no name of a variable", id="no-variable"),
        pytest.param("template IN A {\nvar len 1\n}", "3:5", "is the name of something else", id="name-of-a-function"),
        pytest.param("template IN A {\nvar x 1\nvar x 2\n}", "3:5", "is set twice", id="variable-twice"),
        pytest.param("template IN A {\nexpr 1 +\n}", "3:8", "a value is missing", id="bad-expression"),
        pytest.param("template IN A {\nexpr 17\n}", "3:6", "not true or false", id="no-condition"),
    ],
)
def test_a_complaint_stands_at_the_wrong_word(text: str, place: str, wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        configs_of(tmp_path, text)
    assert f":{place}: " in str(refused.value)
    assert wrong in str(refused.value)
