from __future__ import annotations

import dns.rdata
import pytest

from dnspolicy.model.answer import STABLE, Answer
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Via
from dnspolicy.plugins.any import Any
from tests.unit.through import answered, query, through


def test_any_gets_one_small_record_and_nobody_else_is_asked() -> None:
    reply, seen = through(Any(), query("Web.Test", "ANY"), Answer())
    (made,) = answered(reply).answer
    data = dns.rdata.from_wire("IN", made.type, made.rdata, 0, len(made.rdata))
    assert (str(made.owner), made.ttl, str(data)) == ("web.test", 8482, '"ANY obsoleted" "See RFC 8482"')
    assert (answered(reply).fresh, answered(reply).made_by, seen) == (STABLE, "any", [])


def test_it_answers_under_the_name_that_an_alias_led_to() -> None:
    followed = query("web.test", "ANY").renamed(from_text("other.test"), Via.CNAME)
    (made,) = answered(through(Any(), followed, Answer())[0]).answer
    assert str(made.owner) == "other.test"


@pytest.mark.parametrize("qtype", ["A", "HINFO", "TXT", "AXFR"])
def test_other_types_pass(qtype: str) -> None:
    below = Answer(aa=True)
    assert through(Any(), query("web.test", qtype), below)[0] is below
