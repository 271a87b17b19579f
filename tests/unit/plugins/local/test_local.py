from __future__ import annotations

import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import STABLE, Answer
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Via
from dnspolicy.model.rr import Class
from dnspolicy.plugins.local import Config, Local, Switch
from tests.unit.through import answered, query, shown, through

DATA = "localhost. root.localhost. 1 0 0 0 604800"


def room(prefix: Switch = Switch.ON, metrics: Metrics | None = None) -> Local:
    return Local(Config(localhost_prefix=prefix), metrics=metrics or Metrics())


@pytest.mark.parametrize(
    ("asked", "rcode", "answer", "soa"),
    [
        ("localhost A", 0, "localhost. 604800 A 127.0.0.1", ""),
        ("LocalHost AAAA", 0, "localhost. 604800 AAAA ::1", ""),
        ("localhost MX", 0, "", "localhost"),
        ("localhost SOA", 0, f"localhost. 604800 SOA {DATA}", ""),
        ("localhost NS", 0, "localhost. 604800 NS localhost.", ""),
        ("x.y.localhost A", 0, "x.y.localhost. 604800 A 127.0.0.1", ""),
        ("x.localhost SOA", 0, "", "x.localhost"),
        ("localhost.shop.svc.cluster.local A", 0, "localhost.shop.svc.cluster.local. 604800 A 127.0.0.1", ""),
        ("localhost.foo.test TXT", 0, "", "localhost.foo.test"),
        ("1.0.0.127.in-addr.arpa PTR", 0, "1.0.0.127.in-addr.arpa. 604800 PTR localhost.", ""),
        ("1.0.0.127.in-addr.arpa A", 0, "", "127.in-addr.arpa"),
        ("2.0.0.127.in-addr.arpa PTR", 3, "", "127.in-addr.arpa"),
        ("127.in-addr.arpa SOA", 0, f"127.in-addr.arpa. 604800 SOA {DATA}", ""),
        ("127.in-addr.arpa NS", 0, "127.in-addr.arpa. 604800 NS localhost.", ""),
        ("255.in-addr.arpa A", 0, "", "255.in-addr.arpa"),
        ("a.0.in-addr.arpa A", 3, "", "0.in-addr.arpa"),
    ],
)
def test_answers(asked: str, rcode: int, answer: str, soa: str) -> None:
    reply, seen = through(room(), query(*asked.split()), Answer())
    found = answered(reply)
    assert (found.rcode, shown(found.answer)) == (rcode, [answer] if answer else [])
    assert shown(found.authority) == ([f"{soa}. 604800 SOA {DATA}"] if soa else [])
    assert (found.fresh, found.aa, seen) == (STABLE, False, [])


@pytest.mark.parametrize(
    "name", [".", "test", "xlocalhost", "localhost2.test", "1.0.0.10.in-addr.arpa", "in-addr.arpa", "x.localhost.test"]
)
def test_other_names_pass(name: str) -> None:
    below = Answer(aa=True)
    assert through(room(), query(name), below)[0] is below


@pytest.mark.parametrize(
    ("name", "qtype", "expected"),
    [
        pytest.param("localhost", "A", "localhost. 604800 A 127.0.0.1", id="address"),
        pytest.param("x.localhost", "MX", f"x.localhost. 604800 SOA {DATA}", id="no record"),
        pytest.param("1.0.0.127.in-addr.arpa", "PTR", "1.0.0.127.in-addr.arpa. 604800 PTR localhost.", id="reverse"),
        pytest.param("5.0.0.127.in-addr.arpa", "A", f"127.in-addr.arpa. 604800 SOA {DATA}", id="no name"),
        pytest.param("localhost", "NS", "localhost. 604800 NS localhost.", id="name server"),
    ],
)
def test_what_an_alias_leads_to_is_answered_under_its_own_name(name: str, qtype: str, expected: str) -> None:
    followed = query("www.shop.test", qtype).renamed(from_text(name), Via.CNAME)
    found = answered(through(room(), followed, Answer())[0])
    assert shown((*found.answer, *found.authority)) == [expected]


def test_other_classes_pass() -> None:
    below = Answer(aa=True)
    assert through(room(), query("localhost", qclass=int(Class.CH)), below)[0] is below


def test_without_the_prefix_only_names_below_localhost_are_special() -> None:
    below = Answer(aa=True)
    assert through(room(Switch.OFF), query("localhost.foo.test"), below)[0] is below
    assert answered(through(room(Switch.OFF), query("foo.localhost"), below)[0]).made_by == "local"


@pytest.mark.parametrize(
    ("name", "made_by", "count"),
    [
        pytest.param("x.localhost", "local", 4, id="below localhost"),
        pytest.param("localhost.a.test", "local", 4, id="the prefix"),
        pytest.param("localhost", "local", 0, id="localhost itself"),
        pytest.param("1.0.0.127.in-addr.arpa", "local", 0, id="reverse"),
        pytest.param("x.localhost", "policy", 0, id="answered by somebody else"),
    ],
)
def test_what_is_counted_also_from_memory(name: str, made_by: str, count: int) -> None:
    metrics = Metrics()
    outcome = Outcome(query(name), Answer(made_by=made_by), "192.0.2.1", 1)
    local = room(metrics=metrics)
    local.seen(outcome)
    local.repeated(outcome, 3, 0.0, 1.0, 0.1)
    assert metrics.counter("coredns_local_localhost_requests_total", "").values == {(): count}
