from __future__ import annotations

import socket

import pytest

from dnspolicy import __version__
from dnspolicy.model.answer import Answer
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Class, Rcode
from dnspolicy.plugins.chaos import Chaos, Config
from dnspolicy.wire.encode import encode_answer
from tests.unit.through import answered, query, shown, through

NAMED = Config(version="ns-7", authors=("b@test", "a@test", "b@test"))


def ch(name: str, qtype: str = "TXT") -> Query:
    return query(name, qtype, qclass=int(Class.CH))


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        pytest.param("version.bind", ["ns-7"], id="version.bind"),
        pytest.param("VERSION.Server", ["ns-7"], id="version.server in any letters"),
        pytest.param("hostname.bind", [socket.gethostname()], id="hostname.bind"),
        pytest.param("id.server", [socket.gethostname()], id="id.server"),
        pytest.param("authors.bind", ["a@test", "b@test"], id="authors.bind, each once"),
    ],
)
def test_names_it_knows(name: str, texts: list[str]) -> None:
    reply, seen = through(Chaos(NAMED), ch(name), Answer())
    assert shown(answered(reply).answer) == [f'{name.lower()}. 0 TXT "{text}"' for text in texts]
    assert seen == []


def test_unless_said_otherwise_it_names_itself() -> None:
    reply, _ = through(Chaos(Config()), ch("version.bind"), Answer())
    assert shown(answered(reply).answer) == [f'version.bind. 0 TXT "dnspolicy-{__version__}"']
    assert answered(through(Chaos(Config()), ch("authors.bind"), Answer())[0]).answer == ()


@pytest.mark.parametrize("asked", [ch("web.shop.svc.cluster.local", "A"), ch("version.bind", "A"), ch("other.bind")])
def test_no_other_question_of_its_class_gets_further(asked: Query) -> None:
    reply, seen = through(Chaos(NAMED), asked, Answer(aa=True))
    assert (answered(reply).rcode, seen) == (Rcode.REFUSED, [])


def test_class_in_passes() -> None:
    below = Answer(aa=True)
    assert through(Chaos(NAMED), query("version.bind", "TXT"), below)[0] is below


def test_records_are_of_class_ch_on_the_wire() -> None:
    asked = ch("version.bind")
    wire = encode_answer(asked, answered(through(Chaos(NAMED), asked, Answer())[0]), 512)
    assert wire.endswith(b"\xc0\x0c\x00\x10\x00\x03\x00\x00\x00\x00\x00\x05\x04ns-7")


def test_long_texts_are_cut() -> None:
    reply, _ = through(Chaos(Config(version="é" * 200)), ch("version.bind"), Answer())
    assert len(answered(reply).answer[0].rdata) == 256
