from __future__ import annotations

import pytest

from dnspolicy.model.answer import Answer, Drop, ExtendedError
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.minimal import Minimal
from tests.unit.through import answered, query, record, through

A = (record("a.test", "A"),)
NS = (record("test", "NS", b"\x02ns\x00"),)
SOA = (record("test", "SOA", b"\x00\x00" + bytes(20)),)
MORE = (record("ns", "A"),)


@pytest.mark.parametrize(
    ("below", "cut"),
    [
        pytest.param(Answer(answer=A, authority=NS, additional=MORE), True, id="answer"),
        pytest.param(Answer(answer=A, authority=SOA), True, id="answer with SOA"),
        pytest.param(Answer(additional=MORE), True, id="nothing but additional"),
        pytest.param(Answer(authority=SOA, additional=MORE), False, id="no data"),
        pytest.param(Answer(authority=NS, additional=MORE), False, id="delegation"),
        pytest.param(Answer(Rcode.NXDOMAIN, authority=SOA, additional=MORE), False, id="NXDOMAIN"),
        pytest.param(Answer(Rcode.NXDOMAIN, answer=A, authority=SOA), False, id="NXDOMAIN behind an alias"),
        pytest.param(Answer(Rcode.SERVFAIL, authority=NS), False, id="SERVFAIL"),
        pytest.param(Answer(Rcode.REFUSED, additional=MORE), False, id="REFUSED"),
        pytest.param(Answer(answer=A, additional=MORE, transfer=True), False, id="transfer"),
    ],
)
def test_what_is_left_of_an_answer(below: Answer, cut: bool) -> None:
    reply, _ = through(Minimal(), query("a.test"), below)
    assert reply == (below.changed(authority=(), additional=()) if cut else below)


def test_the_rest_of_an_answer_stays() -> None:
    below = Answer(answer=A, additional=MORE, aa=True, ede=(ExtendedError(3),), rotate=True, made_by="hosts")
    reply = answered(through(Minimal(), query("a.test"), below)[0])
    assert reply.additional == ()
    assert reply.changed(additional=MORE) == below


def test_what_is_small_and_what_is_none_passes_as_it_is() -> None:
    small, drop = Answer(answer=A), Drop("x")
    assert through(Minimal(), query("a.test"), small)[0] is small
    assert through(Minimal(), query("a.test"), drop)[0] is drop
