"""What an answer is to a cache."""

from __future__ import annotations

import pytest
from cache_help import SOA, Lab, a, outside
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.model.answer import Answer
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Edns, Query
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.cache.rules import Sort, answers, sort
from dnspolicy.testing.upstream import record

WWW = from_text("www.lab.test")


def alias(owner: str, target: str) -> Record:
    return record(owner, "CNAME", target)


@pytest.mark.parametrize(
    ("qtype", "answer", "want"),
    [
        pytest.param(Type.A, outside(a()), Sort.SUCCESS, id="data"),
        pytest.param(Type.A, outside(a(owner="WWW.lab.TEST")), Sort.SUCCESS, id="in other letters"),
        pytest.param(Type.ANY, outside(a()), Sort.SUCCESS, id="any type"),
        pytest.param(Type.CNAME, outside(alias("www.lab.test", "t.test")), Sort.SUCCESS, id="an alias asked for"),
        pytest.param(Type.A, outside(alias("www.lab.test", "t.test"), a(owner="t.test")), Sort.SUCCESS, id="by alias"),
        pytest.param(
            Type.A, outside(a(owner="u.test"), alias("t.test", "u.test"), alias("www.lab.test", "t.test")),
            Sort.SUCCESS, id="by aliases in any order",
        ),
        pytest.param(Type.A, outside(alias("www.lab.test", "t.test")), Sort.OTHER, id="an alias that ends nowhere"),
        pytest.param(
            Type.A, outside(alias("www.lab.test", "t.test"), authority=(SOA,)), Sort.DENIAL, id="and with an SOA"
        ),
        pytest.param(
            Type.A, outside(alias("www.lab.test", "t.test"), alias("t.test", "www.lab.test")), Sort.OTHER, id="a circle"
        ),
        pytest.param(Type.A, outside(a(owner="other.test")), Sort.STRANGE, id="another name"),
        pytest.param(Type.A, outside(a(owner="other.test"), authority=(SOA,)), Sort.DENIAL, id="another with an SOA"),
        pytest.param(Type.A, outside(rcode=Rcode.NXDOMAIN, authority=(SOA,)), Sort.DENIAL, id="NXDOMAIN"),
        pytest.param(Type.A, outside(rcode=Rcode.NXDOMAIN), Sort.OTHER, id="NXDOMAIN without SOA"),
        pytest.param(Type.A, outside(rcode=Rcode.SERVFAIL), Sort.FAILURE, id="SERVFAIL"),
        pytest.param(Type.A, outside(rcode=Rcode.NOTIMP), Sort.FAILURE, id="NOTIMP"),
        pytest.param(Type.A, outside(rcode=Rcode.REFUSED), Sort.OTHER, id="REFUSED"),
        pytest.param(Type.A, Answer(Rcode.SERVFAIL), Sort.OTHER, id="a failure of ours"),
        pytest.param(Type.AXFR, outside(SOA), Sort.OTHER, id="a transfer"),
        pytest.param(Type.A, outside(a(), tc=True), Sort.OTHER, id="truncated"),
    ],
)  # fmt: skip
def test_sort(qtype: int, answer: Answer, want: Sort) -> None:
    assert sort(Query(WWW, int(qtype), WWW), answer) is want


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), max_size=12))
def test_a_walk_along_aliases_ends_and_is_right(links: list[tuple[int, int, bool]]) -> None:
    """With one alias per name, data are found if and only if a plain walk comes to them."""
    names = [f"n{number}.lab.test" for number in range(5)]
    aliases = {owner: target for owner, target, is_alias in links if is_alias}
    data = {owner for owner, _, is_alias in links if not is_alias}
    records = [alias(names[o], names[t]) for o, t in aliases.items()] + [a(owner=names[o]) for o in data]
    at: int | None = 0
    seen: set[int] = set()
    while at is not None and at not in data and at not in seen:
        seen.add(at)
        at = aliases.get(at)
    asked = from_text(names[0])
    assert answers(Query(asked, int(Type.A), asked), outside(*records)) == (at in data)


def test_an_answer_about_another_name_is_passed_on_and_counted() -> None:
    lab = Lab(reply=outside(a(owner="other.test")))
    assert lab.ask() == lab.ask() == lab.reply
    assert len(lab.asked) == 2
    assert lab.value("coredns_cache_drops_total", "dns://:53", "", ".") == 2


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        pytest.param(((10, b"12345678"),), 1, id="a cookie"),
        pytest.param(((3, b""), (12, b"\0\0")), 1, id="NSID and padding"),
        pytest.param(((8, b"\0\1\x18\0\xc0\0\2"),), 3, id="a client subnet"),
        pytest.param(((10, b"12345678"), (65001, b"tenant")), 3, id="one of local use"),
    ],
)
def test_a_query_that_says_for_whom_it_is_goes_past_the_memory(
    options: tuple[tuple[int, bytes], ...], asked: int
) -> None:
    lab = Lab()
    lab.ask()
    lab.ask(edns=Edns(1232, options=options))
    lab.ask(edns=Edns(1232, options=options))
    assert len(lab.asked) == asked
    assert lab.value("coredns_cache_requests_total", "dns://:53", "", ".") == 4 - asked


def test_options_that_were_set_on_the_way_go_past_the_memory() -> None:
    lab = Lab()
    for _ in range(2):
        lab.ask()
        lab.ask(upstream_options=((65001, b"192.0.2.99"),))
    assert len(lab.asked) == 3
