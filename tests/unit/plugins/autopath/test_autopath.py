"""Which names are tried, what the client gets, and how long that may be reused."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics, ServerLabels
from dnspolicy.chain.search import MAX_SEARCHED, search_list
from dnspolicy.model.answer import Answer, Drop, Freshness, Reply, Rests
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query, Via
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.autopath import Autopath, Config, FromFile
from dnspolicy.testing.clock import FakeClock

SEARCH = "search one.test two.test\n"
NXDOMAIN = Answer(Rcode.NXDOMAIN, made_by="below", fresh=Freshness(30.0, frozenset({(Rests.FILE, "nx")})))
NODATA = Answer(Rcode.NOERROR, made_by="below", fresh=Freshness())
REFUSED = Answer(Rcode.REFUSED, made_by="acl", fresh=Freshness())
DROP = Drop("acl", "acl")


def found(owner: str, ttl: int = 60, **fields: object) -> Answer:
    record = Record(from_text(owner), int(Type.A), ttl, b"\xc0\0\2\x01")
    return Answer(answer=(record,), made_by="below", fresh=Freshness(None)).changed(**fields)


class Scene:
    """A room above a table of replies; what is not in the table does not exist."""

    def __init__(self, folder: Path, replies: dict[str, Reply], search: str = SEARCH, zones: str = ".") -> None:
        (folder / "resolv.conf").write_text(search)
        self.metrics = Metrics()
        self.clock = FakeClock()
        self.asked: list[tuple[str, Via]] = []
        self.pause = 0.0
        self._replies = replies
        self.room = Autopath(
            zones=tuple(map(from_text, zones.split())), source=FromFile(folder / "resolv.conf"), clock=self.clock,
            metrics=self.metrics, labels=ServerLabels("dns://:53"),
        )  # fmt: skip

    def ask(self, name: str, via: Via = Via.CLIENT, qtype: Type = Type.A) -> Reply:
        asked = from_text(name)
        self.ctx = QueryContext("192.0.2.1", 1, 0.0, 5.0, self._below)
        return asyncio.run(self.room.handle(Query(asked, int(qtype), asked, via=via), self.ctx, self._below))

    async def _below(self, query: Query, ctx: QueryContext) -> Reply:
        self.asked.append((str(query.name), query.via))
        self.clock.advance(self.pause)
        return self._replies.get(str(query.name), NXDOMAIN)

    @property
    def successes(self) -> float:
        return self.metrics.counter("coredns_autopath_success_total", "").values.get(("dns://:53",), 0)


def shown(reply: Reply) -> str:
    if isinstance(reply, Drop):
        return "drop"
    lines = [f"{r.owner} {r.ttl} {Type(r.type).name}" for r in reply.answer]
    return " | ".join([Rcode(reply.rcode).name, *lines])


ALL = ["a.one.test", "a.two.test", "a"]


@pytest.mark.parametrize(
    ("replies", "asked", "reply"),
    [
        pytest.param({"a.one.test": found("a.one.test")}, ALL[:1], "NOERROR | a.one.test 60 A", id="the first"),
        pytest.param(
            {"a.two.test": found("a.two.test", 7)}, ALL[:2], "NOERROR | a.one.test 7 CNAME | a.two.test 7 A", id="later"
        ),
        pytest.param({"a": found("a")}, ALL, "NOERROR | a.one.test 60 CNAME | a 60 A", id="the name alone"),
        pytest.param({}, ALL, "NXDOMAIN", id="nothing"),
        pytest.param({"a.two.test": NODATA, "a": found("a")}, ALL[:2], "NOERROR", id="an empty answer ends it"),
        pytest.param({"a.two.test": REFUSED, "a": found("a")}, ALL[:2], "REFUSED", id="an error ends it"),
        pytest.param(
            {"a.two.test": DROP, "a": found("a")}, ALL, "NOERROR | a.one.test 60 CNAME | a 60 A", id="silence does not"
        ),
        pytest.param({"a.one.test": DROP}, ALL, "drop", id="silence for the first, nothing else"),
        pytest.param(
            {"a.two.test": found("other.test")}, ALL[:2], "NOERROR | a.one.test 60 CNAME | other.test 60 A",
            id="the alias leads to the first record",
        ),
    ],
)  # fmt: skip
def test_walk(tmp_path: Path, replies: dict[str, Reply], asked: list[str], reply: str) -> None:
    scene = Scene(tmp_path, replies)
    assert shown(scene.ask("a.one.test")) == reply
    assert [name for name, _ in scene.asked] == asked
    assert [via for _, via in scene.asked] == [Via.CLIENT, *[Via.AUTOPATH] * (len(asked) - 1)]
    assert scene.successes == (reply not in ("NXDOMAIN", "drop"))


@pytest.mark.parametrize(
    ("name", "search", "zones", "via"),
    [
        pytest.param("a.two.test", SEARCH, ".", Via.CLIENT, id="A017: not under the first"),
        pytest.param("one.test", SEARCH, ".", Via.CLIENT, id="the first itself"),
        pytest.param("aone.test", SEARCH, ".", Via.CLIENT, id="part of a label"),
        pytest.param("a.one.test", SEARCH, "two.test", Via.CLIENT, id="another zone"),
        pytest.param("a.one.test", SEARCH, ".", Via.CNAME, id="what an alias points at"),
        pytest.param("a.one.test", "nameserver 192.0.2.1\n", ".", Via.CLIENT, id="no list"),
    ],
)
def test_is_left_alone(tmp_path: Path, name: str, search: str, zones: str, via: Via) -> None:
    scene = Scene(tmp_path, {}, search, zones)
    assert scene.ask(name, via) is NXDOMAIN
    assert scene.asked == [(name, via)]


@pytest.mark.parametrize("qtype", [Type.AXFR, Type.IXFR])
def test_whole_zones_are_not_looked_for(tmp_path: Path, qtype: Type) -> None:
    scene = Scene(tmp_path, {"a.two.test": found("a.two.test", transfer=True)})
    assert scene.ask("a.one.test", qtype=qtype) is NXDOMAIN
    assert len(scene.asked) == 1


def test_letters_are_kept(tmp_path: Path) -> None:
    reply = Scene(tmp_path, {"a.b.two.test": found("A.b.two.test")}).ask("A.b.ONE.test")
    assert isinstance(reply, Answer)
    alias = reply.answer[0]
    assert (alias.owner.wire, alias.rdata) == (from_text("A.b.ONE.test").wire, from_text("A.b.two.test").wire)


def test_names_that_would_be_too_long_are_passed_over(tmp_path: Path) -> None:
    long = ".".join(["x" * 60] * 4)
    scene = Scene(tmp_path, {}, "search t.test much.longer.test u\n")
    scene.ask(f"{long}.t.test")
    assert [name.removeprefix(long) for name, _ in scene.asked] == [".t.test", ".u", ""]


def test_a_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    front = ".".join(["x" * 60] * 4)
    scene = Scene(tmp_path, {}, f"search t.test {'y' * 9} {'y' * 10}\n")
    scene.ask(f"{front}.t.test")
    assert [(name.removeprefix(front), len(from_text(name).wire)) for name, _ in scene.asked] == [
        (".t.test", 252), (".yyyyyyyyy", 255), ("", 245),
    ]  # fmt: skip


def test_a_list_may_be_one_name_long(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {"a": found("a")}, "search one.test\n")
    assert shown(scene.ask("a.one.test")) == "NOERROR | a.one.test 60 CNAME | a 60 A"


@pytest.mark.parametrize(
    ("replies", "fresh"),
    [
        pytest.param({"a.one.test": found("a.one.test")}, Freshness(None), id="the first alone"),
        pytest.param(
            {"a.two.test": found("a.two.test")}, Freshness(29.0, NXDOMAIN.fresh.rests), id="while the first is missing"
        ),
        pytest.param(
            {"a.one.test": NXDOMAIN.changed(fresh=Freshness(0.0))}, Freshness(0.0, NXDOMAIN.fresh.rests), id="once"
        ),
        pytest.param({}, Freshness(28.0, NXDOMAIN.fresh.rests), id="nothing, as long as no other is there"),
        pytest.param({"a.two.test": DROP}, Freshness(0.0, NXDOMAIN.fresh.rests), id="after silence"),
        pytest.param(
            {
                "a.one.test": NXDOMAIN.changed(fresh=Freshness(None, frozenset({(Rests.SERIAL, "cluster")}))),
                "a.two.test": found("a.two.test", fresh=Freshness(9.0, aged_since=3.0)),
            },
            Freshness(9.0, aged_since=3.0),
            id="the serial of a SOA that is not shown",
        ),
    ],
)  # fmt: skip
def test_reuse(tmp_path: Path, replies: dict[str, Reply], fresh: Freshness) -> None:
    scene = Scene(tmp_path, replies)
    scene.pause = 1.0
    reply = scene.ask("a.one.test")
    assert isinstance(reply, Answer)
    assert reply.fresh == fresh


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("nameserver 192.0.2.1\nsearch A.test b.test\noptions ndots:5\n", "a.test b.test", id="search"),
        pytest.param("domain a.test\n", "a.test", id="domain"),
        pytest.param("search a.test\nsearch b.test\n", "b.test", id="the last counts"),
        pytest.param("# search a.test\n;search b.test\nsearch\n", "", id="none"),
        pytest.param(f"search {'x' * 64}.test .. b.test\n", "b.test", id="what cannot be read"),
        pytest.param("search " + "a " * 99, "a " * MAX_SEARCHED, id="too many"),
    ],
)
def test_resolv_conf(text: str, names: str) -> None:
    assert " ".join(map(str, search_list(text))) == names.strip()


@given(st.text(max_size=200))
def test_any_text_is_a_resolv_conf(text: str) -> None:
    assert len(search_list("search " + text)) <= MAX_SEARCHED


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "resolv.conf")
    with pytest.raises(ConfigError, match="not a regular file"):
        FromFile(tmp_path / "resolv.conf")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        FromFile(tmp_path / "none")


def test_words_of_the_directive() -> None:
    config = Config(words=("example.org", "10.0.0.0/8", "@kubernetes"))
    assert ([str(zone) for zone in config.zones], config.plugin) == (["example.org", "10.in-addr.arpa"], "kubernetes")
    assert Config(words=("/etc/resolv.conf",)).file == "/etc/resolv.conf"
    with pytest.raises(ValueError, match=r"'a\.\.b' is no zone"):
        Config(words=("a..b", "@kubernetes"))
    with pytest.raises(ValueError, match="no plugin"):
        Config(words=("@",))
