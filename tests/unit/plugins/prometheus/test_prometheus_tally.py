"""What is counted, under which labels."""

from __future__ import annotations

import pytest

from dnspolicy.chain.context import Judgement
from dnspolicy.chain.metrics import Counter, Gauge, Histogram, Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer, Drop
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Edns, Query, Transport
from dnspolicy.model.verdict import Action, Mode, Phase, Verdict, Would
from dnspolicy.plugins.prometheus import Tally
from dnspolicy.plugins.prometheus.tally import MAX_RULES, Enabled

NAME = from_text("web.shop.svc.cluster.local.")


def outcome(*, qtype=1, transport=Transport.UDP, edns=None, reply=None, size=40, **fields) -> Outcome:
    query = Query(NAME, qtype, NAME, transport=transport, edns=edns, size=size)
    given = {"source": "127.0.0.1", "server": "dns://:53", "zone": ".", "seconds": 0.0003, **fields}
    return Outcome(query, reply or Answer(made_by="kubernetes"), port=1024, **given)


def judged(action=Action.ALLOW, rule="tenant/own", *, cached=False, seconds=0.0001, **fields) -> Judgement:
    return Judgement(from_text("web.shop"), Phase.QUERY, Verdict(action, rule, "why", **fields), seconds, cached)


class Counting:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.tally = Tally(self.metrics, version="1.2.3")

    def rows(self, name: str) -> dict[tuple[tuple[str, str], ...], object]:
        metric = next(m for m in self.metrics.collect() if m.name == name)
        assert isinstance(metric, (Counter, Gauge, Histogram))
        return {tuple(zip(metric.labels, labels, strict=True)): value for labels, value in metric.values.items()}

    def only(self, name: str) -> tuple[dict[str, str], object]:
        [(labels, value)] = self.rows(name).items()
        return dict(labels), value


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.mark.parametrize(
    ("fields", "label", "value"),
    [
        pytest.param({}, "type", "A", id="a type CoreDNS names"),
        pytest.param({"qtype": 64}, "type", "SVCB", id="SVCB"),
        pytest.param({"qtype": 99}, "type", "other", id="a type it does not name"),
        pytest.param({"qtype": 65280}, "type", "other", id="a private type"),
        pytest.param({"qtype": 50}, "type", "NSEC3", id="NSEC3"),
        pytest.param({"source": "127.0.0.1"}, "family", "1", id="IPv4"),
        pytest.param({"source": "::1"}, "family", "2", id="IPv6"),
        pytest.param({}, "proto", "udp", id="UDP"),
        pytest.param({"transport": Transport.TCP}, "proto", "tcp", id="TCP"),
        pytest.param({"zone": "dropped"}, "zone", "dropped", id="no block took it"),
        pytest.param({"server": "dns://:1053"}, "server", "dns://:1053", id="the server"),
        pytest.param({}, "view", "", id="no view"),
        pytest.param({"view": "inside"}, "view", "inside", id="a view"),
    ],
)
def test_requests_are_counted_by(counting: Counting, fields, label, value) -> None:
    counting.tally.seen(outcome(**fields))
    labels, count = counting.only("coredns_dns_requests_total")
    assert (labels[label], count) == (value, 1)


@pytest.mark.parametrize(
    ("rcode", "text"), [(0, "NOERROR"), (3, "NXDOMAIN"), (16, "BADVERS"), (23, "other"), (4000, "other")]
)
def test_response_codes_are_bounded(counting: Counting, rcode, text) -> None:
    counting.tally.seen(outcome(reply=Answer(rcode=rcode, made_by="forward")))
    labels, count = counting.only("coredns_dns_responses_total")
    assert (labels["rcode"], labels["plugin"], count) == (text, "forward", 1)


def test_a_drop_is_a_request_without_a_response(counting: Counting) -> None:
    counting.tally.seen(outcome(reply=Drop("blocked", "policy")))
    assert counting.only("coredns_dns_requests_total")[1] == 1
    assert counting.rows("coredns_dns_responses_total") == {}
    assert sum(counting.only("coredns_dns_response_size_bytes")[1][:-1]) == 0


@pytest.mark.parametrize(
    ("edns", "count"), [(None, 0), (Edns(1232), 0), (Edns(1232, do=True), 1)], ids=["no OPT", "OPT", "OPT with DO"]
)
def test_do_counts_only_with_the_bit(counting: Counting, edns, count) -> None:
    counting.tally.seen(outcome(edns=edns))
    assert sum(counting.rows("coredns_dns_do_requests_total").values()) == count


def test_a_value_on_a_bound_belongs_to_that_bucket(counting: Counting) -> None:
    counting.tally.seen(outcome(seconds=0.0005, size=100))
    counting.tally.seen(outcome(seconds=99.0, size=70000))
    seconds = counting.only("coredns_dns_request_duration_seconds")[1]
    sizes = counting.only("coredns_dns_request_size_bytes")[1]
    assert (seconds[1], seconds[-2], seconds[-1]) == (1, 1, pytest.approx(99.0005))
    assert (sizes[1], sizes[-2], sizes[-1]) == (1, 1, 70100)


def test_repeats_count_as_that_many_queries(counting: Counting) -> None:
    one = outcome(size=40, judgements=(judged(),))
    alike = outcome(size=40, judgements=(judged(),), seconds=0.001)
    counting.tally.seen(one)
    counting.tally.repeated(alike, 9, 0.0, 1.0, 0.0009)
    assert counting.only("coredns_dns_requests_total")[1] == 10
    assert counting.only("dnspolicy_decisions_total")[1] == 10
    assert counting.only("dnspolicy_identity_total")[1] == 10
    seconds = counting.only("coredns_dns_request_duration_seconds")[1]
    assert (seconds[0], seconds[1], seconds[-1]) == (9, 1, pytest.approx(0.0012))
    assert sum(counting.only("dnspolicy_decision_seconds")[1][:-1]) == 1, "remembered decisions take no time"


def test_no_repeats_count_nothing(counting: Counting) -> None:
    counting.tally.repeated(outcome(), 0, 0.0, 0.0, 0.0)
    assert counting.rows("coredns_dns_requests_total") == {}


def test_reading_twice_gives_the_same_and_counting_goes_on(counting: Counting) -> None:
    counting.tally.seen(outcome())
    first = counting.rows("coredns_dns_request_duration_seconds")
    assert counting.rows("coredns_dns_request_duration_seconds") == first
    counting.tally.seen(outcome())
    assert counting.only("coredns_dns_requests_total")[1] == 2
    assert counting.only("coredns_dns_request_duration_seconds")[1][1] == 2


def test_decisions_and_what_shadow_rules_would_have_done(counting: Counting) -> None:
    would = (Would(Action.BLOCK, "next/strict", "why"),)
    counting.tally.seen(outcome(judgements=(judged(shadow=would), judged(Action.BLOCK, "list", mode=Mode.SHADOW))))
    assert counting.rows("dnspolicy_decisions_total") == {
        (("action", "allow"), ("rule", "tenant/own"), ("phase", "query"), ("mode", "enforce")): 1,
        (("action", "block"), ("rule", "next/strict"), ("phase", "query"), ("mode", "shadow")): 1,
        (("action", "block"), ("rule", "list"), ("phase", "query"), ("mode", "shadow")): 1,
    }


def test_only_evaluations_are_timed(counting: Counting) -> None:
    counting.tally.seen(outcome(judgements=(judged(cached=True), judged(seconds=0.002))))
    row = counting.only("dnspolicy_decision_seconds")[1]
    assert (sum(row[:-1]), row[-1]) == (1, 0.002)


def test_rule_names_do_not_grow_without_a_bound(counting: Counting) -> None:
    for number in range(MAX_RULES + 50):
        counting.tally.seen(outcome(judgements=(judged(rule=f"asked/{number}"),)))
    rows = {dict(labels)["rule"]: count for labels, count in counting.rows("dnspolicy_decisions_total").items()}
    assert len(rows) == MAX_RULES + 1
    assert rows["other"] == 50
    counting.tally.seen(outcome(judgements=(judged(rule="asked/0"),)))
    rows = {dict(labels)["rule"]: count for labels, count in counting.rows("dnspolicy_decisions_total").items()}
    assert rows["asked/0"] == 2


@pytest.mark.parametrize(
    ("rule", "label"),
    [("", "none"), ('a"b\nc', 'a"b\\nc'), ("\x1b[31mred", "\\x1b[31mred"), ("x" * 1000, "x" * 128)],
    ids=["empty", "new line", "escape sequence", "long"],
)
def test_rule_names_are_escaped_and_cut(counting: Counting, rule, label) -> None:
    counting.tally.seen(outcome(judgements=(judged(rule=rule),)))
    assert counting.only("dnspolicy_decisions_total")[0]["rule"] == label


def test_identities_are_counted_by_kind(counting: Counting) -> None:
    for kind in (ClientKind.POD, ClientKind.POD, ClientKind.UNKNOWN):
        counting.tally.seen(outcome(identity=Identity(kind, "why", "127.0.0.1")))
    assert counting.rows("dnspolicy_identity_total") == {(("kind", "pod"),): 2, (("kind", "unknown"),): 1}


def test_a_plugin_shows_as_enabled_until_the_last_block_with_it_is_gone(counting: Counting) -> None:
    both = [Enabled("cache", "dns://:53", ".")]
    counting.tally.enable(both)
    counting.tally.enable(both)
    counting.tally.disable(both)
    assert counting.only("coredns_plugin_enabled") == (
        {"name": "cache", "server": "dns://:53", "view": "", "zone": "."},
        1,
    )
    counting.tally.disable(both)
    assert counting.rows("coredns_plugin_enabled") == {}


def test_the_version_is_there_from_the_start(counting: Counting) -> None:
    assert counting.only("coredns_build_info") == ({"goversion": "", "revision": "", "version": "1.2.3"}, 1)


def test_what_is_told_while_metrics_are_collected_is_on_the_same_page(counting: Counting) -> None:
    told = iter([7])
    counting.metrics.before_collect(lambda: counting.tally.repeated(outcome(), next(told, 0), 0.0, 1.0, 0.0007))
    page = {metric.name: metric for metric in counting.tally.collect()}
    assert list(page["coredns_dns_requests_total"].values.values()) == [7]
