"""What is remembered, for how long, and what is not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cache_help import DB, SOA, WEB, Lab, a, cluster, outside, ttls
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.corefile.schema import Duration, Zone
from dnspolicy.model.answer import NOTHING, ONCE, Answer, Dependencies, Drop, Freshness, Reply, Rests
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Edns
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.cache import Config
from dnspolicy.plugins.cache.config import Disable, Kind, Limits, Mode, Prefetch, ServeStale, StalePolicy
from dnspolicy.testing.upstream import record


@pytest.mark.parametrize(
    ("words", "options", "reply", "want"),
    [
        pytest.param(("30",), {}, outside(a(300)), [30], id="the TTL caps"),
        pytest.param((), {}, outside(a(7200)), [3600], id="an hour at most"),
        pytest.param(("30",), {}, outside(a(2)), [5], id="five seconds at least"),
        pytest.param(("30",), {}, outside(a(0)), [5], id="even for zero"),
        pytest.param(("3",), {}, outside(a(2)), [3], id="the TTL wins over the minimum"),
        pytest.param((), {"success": Limits(capacity=100, ttl=60, minttl=10)}, outside(a(2)), [10], id="own minimum"),
        pytest.param(("30",), {"success": Limits(capacity=100, ttl=60)}, outside(a(300)), [60], id="success over TTL"),
        pytest.param(("30",), {"success": Limits(capacity=100)}, outside(a(300)), [30], id="success without TTL"),
        pytest.param(
            ("30",), {}, outside(record("www.lab.test", "CNAME", "t.lab.test", 60), a(7, "t.lab.test")), [7, 7],
            id="the smallest counts for all",
        ),
        pytest.param(("30",), {}, outside(rcode=Rcode.NXDOMAIN, authority=(SOA,)), [20], id="NXDOMAIN by the MINIMUM"),
        pytest.param(("30",), {}, outside(authority=(SOA,)), [20], id="no data by the MINIMUM"),
        pytest.param(("10",), {}, outside(authority=(SOA,)), [10], id="a denial is capped too"),
        pytest.param((), {"denial": Limits(capacity=9, ttl=15)}, outside(authority=(SOA,)), [15], id="denial TTL"),
        pytest.param(
            (), {}, outside(authority=(record("lab.test", "SOA", "a.test b.test 1 2 3 4 90000", 86400),)), [1800],
            id="half an hour at most for a denial",
        ),
        pytest.param(
            ("30",), {}, outside(record("www.lab.test", "CNAME", "t.lab.test", 60), authority=(SOA,)), [20, 20],
            id="an alias that leads to nothing is a denial",
        ),
        pytest.param(("30",), {}, outside(a(300), authority=(SOA,)), [30, 30], id="MINIMUM does not concern data"),
        pytest.param(("30",), {}, cluster(a(60)), [30], id="cluster answers too"),
    ],
)  # fmt: skip
def test_ttl_of_the_first_and_of_the_remembered_answer(
    words: tuple[str, ...], options: dict[str, object], reply: Answer, want: list[int]
) -> None:
    lab = Lab(*words, reply=reply, **options)
    first, second = lab.answer(), lab.answer()
    assert ttls(first) == want
    assert second == first
    assert len(lab.asked) == 1


def test_ttls_count_down_until_the_answer_is_over() -> None:
    lab = Lab("30")
    lab.answer()
    seen = []
    for seconds in (0.9, 0.2, 27.9, 0.9):  # 0.9, 1.1, 29.0, 29.9
        lab.clock.advance(seconds)
        seen += ttls(lab.answer())
    assert seen == [30, 29, 1, 1]
    assert len(lab.asked) == 1
    lab.clock.advance(0.1)
    assert ttls(lab.answer()) == [30]
    assert len(lab.asked) == 2


def test_freshness_says_what_is_left_and_since_when_the_ttls_hold() -> None:
    lab = Lab("30", reply=cluster(a(60)))
    start = lab.clock.monotonic()
    assert lab.answer().fresh == Freshness(30.0, WEB, start)
    lab.clock.advance(2.5)
    fresh = lab.answer().fresh
    assert (fresh.ttl, fresh.rests, fresh.aged_since) == (27.5, WEB, start + 2)


def test_flags_and_origin_are_kept() -> None:
    lab = Lab("30", reply=cluster(a(60)))
    lab.answer()
    again = lab.answer()
    assert (again.aa, again.made_by) == (True, "kubernetes")


def test_letters_are_the_askers() -> None:
    lab = Lab("30")
    for name in ("www.lab.test", "WWW.lab.test", "www.LAB.test", "www.lab.test"):
        assert lab.answer(name).answer[0].owner.wire == from_text(name).wire
    assert len(lab.asked) == 1


@pytest.mark.parametrize(
    "other",
    [{"name": "w2.lab.test"}, {"qtype": 28}, {"qclass": 3}, {"cd": True}, {"edns": Edns(1232, do=True)}],
    ids=lambda o: next(iter(o)),
)
def test_another_question_is_another_entry(other: dict[str, object]) -> None:
    lab = Lab("30")
    lab.answer()
    lab.answer(**other)  # type: ignore[arg-type]
    assert len(lab.asked) == 2


def test_edns_without_do_is_no_other_question() -> None:
    lab = Lab("30")
    lab.answer()
    lab.answer(edns=Edns(4096), id=7, ad=True)
    assert len(lab.asked) == 1


POLICY: Dependencies = frozenset({(Rests.POLICY, "rego")})


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(outside(a(), tc=True), id="truncated"),
        pytest.param(outside(rcode=Rcode.NXDOMAIN), id="NXDOMAIN without SOA"),
        pytest.param(outside(), id="nothing without SOA"),
        pytest.param(outside(authority=(record("lab.test", "NS", "ns.lab.test"),)), id="a referral"),
        pytest.param(outside(rcode=Rcode.REFUSED), id="REFUSED"),
        pytest.param(outside(rcode=Rcode.FORMERR, authority=(SOA,)), id="FORMERR"),
        pytest.param(cluster(a(), fresh=ONCE), id="an answer for once"),
        pytest.param(cluster(a(), fresh=Freshness(30.0, POLICY)), id="an answer that a policy had a part in"),
        pytest.param(outside(a(), fresh=Freshness(0.0, POLICY)), id="the same from outside"),
        pytest.param(outside(rcode=Rcode.SERVFAIL, fresh=Freshness(0.0, POLICY)), id="the same, failed"),
        pytest.param(outside(a(), private=True), id="an answer made for one client"),
        pytest.param(outside(rcode=Rcode.SERVFAIL, private=True), id="a failure of one client's"),
        pytest.param(cluster(rcode=int(Rcode.SERVFAIL)), id="our own SERVFAIL"),
        pytest.param(Drop("policy"), id="silence"),
    ],
)
def test_not_remembered(reply: Reply) -> None:
    lab = Lab("30", reply=reply)
    first = lab.ask()
    lab.ask()
    assert len(lab.asked) == 2
    if isinstance(first, Answer) and isinstance(reply, Answer):
        assert first.fresh == reply.fresh


@pytest.mark.parametrize("qtype", [251, 252])
def test_transfers_pass(qtype: int) -> None:
    lab = Lab("30", reply=outside(SOA))
    lab.ask(qtype=qtype)
    lab.ask(qtype=qtype)
    assert len(lab.asked) == 2


@pytest.mark.parametrize(
    ("reply", "servfail", "held", "over"),
    [
        pytest.param(outside(rcode=Rcode.SERVFAIL), 5.0, 4.9, 5.0, id="of an upstream, five seconds"),
        pytest.param(outside(rcode=Rcode.SERVFAIL), 30.0, 29.9, 30.0, id="as configured"),
        pytest.param(outside(rcode=Rcode.SERVFAIL, upstream=""), 5.0, 0.9, 1.0, id="no upstream answered: one second"),
    ],
)
def test_servfail(reply: Answer, servfail: float, held: float, over: float) -> None:
    lab = Lab("30", reply=reply, servfail=Duration(servfail))
    lab.ask()
    lab.clock.advance(held)
    assert lab.answer().rcode == Rcode.SERVFAIL
    assert len(lab.asked) == 1
    lab.clock.advance(over - held + 0.001)
    lab.ask()
    assert len(lab.asked) == 2


def test_servfail_0_remembers_no_failure() -> None:
    lab = Lab(reply=outside(rcode=Rcode.SERVFAIL), servfail=Duration(0.0))
    lab.ask()
    lab.ask()
    assert len(lab.asked) == 2


def test_an_answer_that_says_how_long_it_holds_is_not_held_longer() -> None:
    lab = Lab("30", reply=cluster(a(60), fresh=Freshness(3.0, WEB)))
    lab.ask()
    lab.clock.advance(2.9)
    assert lab.answer().fresh.ttl == pytest.approx(0.1)
    lab.clock.advance(0.1)
    lab.ask()
    assert len(lab.asked) == 2


def test_zones() -> None:
    lab = Lab("30", "lab.test", "corp.test.")
    for name in ("www.lab.test", "lab.test", "a.corp.test"):
        lab.ask(name)
        lab.ask(name)
    assert len(lab.asked) == 3
    assert ttls(lab.answer("www.other.test")) == [300]
    lab.ask("www.other.test")
    lab.ask("notlab.test")
    assert len(lab.asked) == 6


@pytest.mark.parametrize(
    ("disabled", "reply", "remembered"),
    [
        (Disable(kind=Kind.SUCCESS), outside(a()), False),
        (Disable(kind=Kind.SUCCESS), outside(authority=(SOA,)), True),
        (Disable(kind=Kind.DENIAL), outside(a()), True),
        (Disable(kind=Kind.DENIAL), outside(authority=(SOA,)), False),
        (Disable(kind=Kind.DENIAL), outside(rcode=Rcode.SERVFAIL), False),
        (Disable(kind=Kind.SUCCESS, zones=(Zone("lab.test."),)), outside(a()), False),
        (Disable(kind=Kind.SUCCESS, zones=(Zone("other.test."),)), outside(a()), True),
    ],
)
def test_disable(disabled: Disable, reply: Answer, remembered: bool) -> None:
    lab = Lab("10", reply=reply, disable=(disabled,))
    first = lab.answer()
    lab.ask()
    assert len(lab.asked) == (1 if remembered else 2)
    assert set(ttls(first)) <= {10}  # the cap holds all the same


class TestChanges:
    def test_what_rests_on_it_is_forgotten_and_nothing_else(self) -> None:
        lab = Lab("30")
        lab.reply = cluster(a(60), rests=WEB)
        lab.ask("web.lab.test")
        lab.reply = cluster(a(60), rests=WEB | DB)
        lab.ask("both.lab.test")
        lab.reply = cluster(rests=DB, authority=(SOA,), rcode=int(Rcode.NXDOMAIN))
        lab.ask("db.lab.test")
        lab.reply = outside(a())
        lab.ask("www.lab.test")
        lab.cache.changed(WEB)
        lab.asked.clear()
        for name in ("web", "both", "db", "www"):
            lab.ask(f"{name}.lab.test")
        assert lab.asked == ["web.lab.test", "both.lab.test"]
        asyncio.run(lab.cache.start())
        assert lab.value("coredns_cache_entries", "dns://:53", "success", "", ".") == 3

    def test_an_answer_overtaken_by_a_change_is_not_kept(self) -> None:
        lab = Lab("30", reply=cluster(a(60)))
        lab.meanwhile = DB
        lab.ask()
        lab.meanwhile = NOTHING
        lab.ask()
        lab.ask()
        assert len(lab.asked) == 2

    def test_a_change_does_not_touch_what_rests_on_nothing(self) -> None:
        lab = Lab("30")
        lab.meanwhile = WEB
        lab.ask()
        lab.ask()
        assert len(lab.asked) == 1

    @given(st.lists(st.tuples(st.integers(0, 5), st.sets(st.integers(0, 3)), st.booleans()), max_size=40))
    def test_never_stale(self, steps: list[tuple[int, set[int], bool]]) -> None:
        """Whatever is asked and changed, an answer shows the versions of all it rests on."""
        lab, versions = Lab("30"), [0] * 4

        def rests(numbers: set[int]) -> Dependencies:
            return frozenset((Rests.SERVICE, str(n)) for n in numbers)

        used: dict[int, set[int]] = {}
        for number, on, change in steps:
            if change:
                for n in on:
                    versions[n] += 1
                lab.cache.changed(rests(on))
                continue
            on = used.setdefault(number, on)
            text = "".join(str(versions[n]) for n in sorted(on)) or "none"
            name = f"n{number}.lab.test"
            lab.reply = cluster(Record(from_text(name), int(Type.TXT), 60, text.encode()), rests=rests(on))
            assert lab.answer(name, Type.TXT).answer[0].rdata == text.encode()


def test_denials_do_not_push_out_data() -> None:
    lab = Lab(denial=Limits(capacity=1))
    asyncio.run(lab.cache.start())
    lab.ask()
    lab.reply = outside(authority=(SOA,), rcode=Rcode.NXDOMAIN)
    for number in range(2000):
        lab.ask(f"n{number}.lab.test")
    assert 0 < lab.value("coredns_cache_entries", "dns://:53", "denial", "", ".") <= 1024
    assert lab.value("coredns_cache_evictions_total", "dns://:53", "denial", "", ".") >= 2000 - 1024
    lab.asked.clear()
    lab.ask()
    assert lab.asked == []


def test_metrics() -> None:
    lab = Lab("30")
    asyncio.run(lab.cache.start())
    lab.ask()
    lab.ask()
    lab.reply = outside(authority=(SOA,), rcode=Rcode.NXDOMAIN)
    lab.ask("gone.lab.test")
    lab.ask("gone.lab.test")
    lab.ask("gone.lab.test")
    plain, success, denial = ("dns://:53", "", "."), ("dns://:53", "success", "", "."), ("dns://:53", "denial", "", ".")
    assert lab.value("coredns_cache_requests_total", *plain) == 5
    assert lab.value("coredns_cache_misses_total", *plain) == 2
    assert lab.value("coredns_cache_hits_total", *success) == 1
    assert lab.value("coredns_cache_hits_total", *denial) == 2
    assert lab.value("coredns_cache_entries", *success) == 1
    assert lab.value("coredns_cache_entries", *denial) == 1
    asyncio.run(lab.cache.stop())
    assert lab.series("coredns_cache_entries") == set()


def test_metrics_name_the_zones_of_the_directive() -> None:
    lab = Lab("30", "lab.test.", "corp.test.")
    lab.ask()
    assert lab.value("coredns_cache_requests_total", "dns://:53", "", "lab.test.,corp.test.") == 1


def bound(folder: Path, line: str) -> Config:
    """The Config of a `cache` line. Raises ConfigError."""
    path = folder / "Corefile"
    path.write_text(f".:53 {{\n{line}\n}}\n")
    complaints = Complaints()
    found = bind(load(path, {}).blocks[0].directives[0], Config, complaints)
    complaints.raise_if_any()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ("cache", Config()),
        ("cache 30", Config(ttl=30)),
        ("cache lab.test", Config(zones=(Zone("lab.test."),))),
        ("cache 30 lab.test 10.0.0.0/8", Config(ttl=30, zones=(Zone("lab.test."), Zone("10.in-addr.arpa.")))),
        ("cache {\nsuccess 100 60 10\n}", Config(success=Limits(capacity=100, ttl=60, minttl=10))),
        ("cache {\ndenial 100\nservfail 10s\n}", Config(denial=Limits(capacity=100), servfail=Duration(10.0))),
        ("cache {\nkeepttl\n}", Config(keepttl=True)),
        ("cache {\nprefetch 10\n}", Config(prefetch=Prefetch(amount=10))),
        (
            "cache {\nprefetch 10 5m 25%\n}",
            Config(prefetch=Prefetch(amount=10, duration=Duration(300.0), percentage="25%")),
        ),
        ("cache {\nserve_stale\n}", Config(serve_stale=ServeStale())),
        ("cache {\nserve_stale 2h\n}", Config(serve_stale=ServeStale(duration=Duration(7200.0)))),
        (
            "cache {\nserve_stale 1h immediate 30s 10s\nserve_stale_policy prefer_positive\n}",
            Config(
                serve_stale=ServeStale(times=(Duration(30.0), Duration(10.0))),
                serve_stale_policy=StalePolicy.PREFER_POSITIVE,
            ),
        ),
        (
            "cache {\nserve_stale 1h verify 100ms 30s 10s\n}",
            Config(serve_stale=ServeStale(mode=Mode.VERIFY, times=(Duration(0.1), Duration(30.0), Duration(10.0)))),
        ),
        (
            "cache {\ndisable success cluster.local\ndisable denial\n}",
            Config(disable=(Disable(kind=Kind.SUCCESS, zones=(Zone("cluster.local."),)), Disable(kind=Kind.DENIAL))),
        ),
    ],
)
def test_config(tmp_path: Path, line: str, want: Config) -> None:
    assert bound(tmp_path, line) == want


@pytest.mark.parametrize(
    "line",
    ["cache 0", "cache 30 a..b", "cache {\nservfail 6m\n}", "cache {\nsuccess\n}", "cache {\nsuccess 0\n}",
     "cache {\nprefetch\n}", "cache {\nprefetch -1\n}", "cache {\nprefetch 10 1m 5%\n}",
     "cache {\nprefetch 10 1m 95%\n}", "cache {\nprefetch 10 1m 20\n}", "cache {\nprefetch 10 1m 20% 3\n}",
     "cache {\nserve_stale 1h sometimes\n}", "cache {\nserve_stale -1h\n}", "cache {\nserve_stale 1h immediate 1.5s\n}",
     "cache {\nserve_stale 1h immediate 1s 1s 1s\n}", "cache {\nserve_stale 1h verify 1s 1s 6m\n}",
     "cache {\nserve_stale 1h verify 1s 1s 1s 1s\n}", "cache {\nserve_stale_policy prefer_positive\n}",
     "cache {\nserve_stale\nserve_stale_policy prefer_negative\n}",
     "cache {\ndisable all\n}", "cache {\nkeepttl yes\n}"],
)  # fmt: skip
def test_config_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=r"Corefile:\d+:\d+: "):
        bound(tmp_path, line)
