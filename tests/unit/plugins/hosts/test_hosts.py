from __future__ import annotations

import asyncio
import logging
import os
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.model.answer import EVERYTHING, Answer, Drop, Freshness, Reply
from dnspolicy.model.errors import BadName
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Type, type_number
from dnspolicy.plugins.hosts import Config, Hosts
from dnspolicy.plugins.hosts.entries import hosts_of, read_text

NEXT = Answer(Rcode.REFUSED, made_by="next", fresh=Freshness(30.0))
FILE = """\
127.0.0.1 localhost   # here
192.0.2.1\tweb.example.org web
192.0.2.2 web.example.org
2001:db8::1 web.example.org
::ffff:192.0.2.3 mapped.example.org
fe80::1%eth0 link.example.org
192.0.2.9 *.apps.example.org
192.0.2.1 web.example.org
"""


def config_of(folder: Path, text: str) -> Config:
    (folder / "Corefile").write_text(f". {{\n{text}\n}}\n")
    complaints = Complaints()
    config = bind(load(folder / "Corefile", {}).blocks[0].directives[0], Config, complaints)
    complaints.raise_if_any()
    assert config is not None
    return config


class Room:
    """A room on a hosts file in `folder`, with what it announced."""

    def __init__(self, folder: Path, options: str = "", content: str | None = FILE, zones: str = "", origins: str = ""):
        self.path = folder / "hosts"
        if content is not None:
            self.path.write_text(content)
        self.announced: list[frozenset[tuple[str, str]]] = []
        self.metrics = Metrics()
        config = config_of(folder, f"hosts {self.path} {zones} {{\n{options}\n}}")
        blocks = tuple(from_text(text) for text in origins.split())
        self.hosts = Hosts(config, origins=blocks, changed=self.announced.append, metrics=self.metrics)

    def ask(self, name: str, qtype: str = "A", following: Reply = NEXT) -> Reply:
        async def ask_next(query: Query, ctx: QueryContext) -> Reply:
            return following

        async def resolve(query: Query, ctx: QueryContext) -> Reply:
            raise AssertionError("hosts resolves nothing")

        asked = from_text(name)
        query = Query(asked, type_number(qtype), asked)
        return asyncio.run(self.hosts.handle(query, QueryContext("192.0.2.7", 1, 0.0, 5.0, resolve), ask_next))

    def said(self, name: str, qtype: str = "A") -> str:
        """The answer in short: rcode, then the records; `next` when it was passed on."""
        reply = self.ask(name, qtype)
        assert isinstance(reply, Answer)
        if reply.made_by == "next":
            return "next"
        assert reply.aa
        assert reply.made_by == "hosts"
        return " ".join([Rcode(reply.rcode).name, *(shown(r.type, r.rdata) for r in reply.answer)])

    def rewrite(self, content: str) -> None:
        """Replace the file as `kubectl` and editors do: by another one."""
        spare = self.path.with_suffix(".new")
        spare.write_text(content)
        spare.replace(self.path)

    def gauge(self, name: str) -> dict[tuple[str, ...], float]:
        return next(m for m in self.metrics.collect() if m.name == name).values  # type: ignore[attr-defined,no-any-return]


def shown(rtype: int, rdata: bytes) -> str:
    if rtype == Type.PTR:
        labels, at = [], 0
        while rdata[at]:
            labels.append(rdata[at + 1 : at + 1 + rdata[at]])
            at += rdata[at] + 1
        return b".".join(labels).decode()
    return str(ip_address(rdata))


def reverse(address: str) -> str:
    return ip_address(address).reverse_pointer


@pytest.mark.parametrize(
    ("name", "qtype", "expected"),
    [
        pytest.param("web.example.org", "A", "NOERROR 192.0.2.1 192.0.2.2", id="several lines, none twice"),
        pytest.param("WEB.Example.org", "A", "NOERROR 192.0.2.1 192.0.2.2", id="letter case"),
        pytest.param("web.example.org", "AAAA", "NOERROR 2001:db8::1", id="IPv6"),
        pytest.param("web", "A", "NOERROR 192.0.2.1", id="second name of a line"),
        pytest.param("mapped.example.org", "A", "NOERROR 192.0.2.3", id="IPv4-mapped"),
        pytest.param("link.example.org", "AAAA", "NOERROR fe80::1", id="zone index dropped"),
        pytest.param("localhost", "AAAA", "NOERROR", id="other family"),
        pytest.param("web.example.org", "MX", "NOERROR", id="other type"),
        pytest.param("a.apps.example.org", "A", "NOERROR 192.0.2.9", id="wildcard"),
        pytest.param("a.apps.example.org", "AAAA", "NOERROR", id="wildcard, other family"),
        pytest.param("a.b.apps.example.org", "A", "NXDOMAIN", id="wildcard stands for one label"),
        pytest.param("apps.example.org", "A", "NOERROR", id="name above a wildcard"),
        pytest.param("example.org", "A", "NOERROR", id="name above entries"),
        pytest.param(".", "A", "NOERROR", id="root"),
        pytest.param("nope.example.org", "A", "NXDOMAIN", id="unknown"),
        pytest.param(reverse("192.0.2.1"), "PTR", "NOERROR web.example.org web", id="PTR, names in order"),
        pytest.param(reverse("192.0.2.3"), "PTR", "NOERROR mapped.example.org", id="PTR of IPv4-mapped"),
        pytest.param(reverse("2001:db8::1"), "PTR", "NOERROR web.example.org", id="PTR of IPv6"),
        pytest.param(reverse("192.0.2.1"), "A", "NOERROR", id="reverse name, other type"),
        pytest.param(reverse("192.0.2.9"), "PTR", "next", id="no PTR for wildcards"),
        pytest.param(reverse("192.0.2.77"), "PTR", "next", id="unknown PTR is always passed on"),
        pytest.param("web.example.org", "PTR", "NOERROR", id="PTR of a known host name"),
    ],
)
def test_answers_of_a_file(tmp_path: Path, name: str, qtype: str, expected: str) -> None:
    assert Room(tmp_path).said(name, qtype) == expected


@pytest.mark.parametrize(
    ("options", "name", "qtype", "expected"),
    [
        pytest.param("fallthrough", "nope.example.org", "A", "next", id="fallthrough"),
        pytest.param("fallthrough", "example.org", "A", "next", id="fallthrough of a name above entries"),
        pytest.param("fallthrough", "web.example.org", "MX", "NOERROR", id="known names stay"),
        pytest.param("fallthrough example.org", "nope.example.org", "A", "next", id="in the zone"),
        pytest.param("fallthrough example.org", "nope.test", "A", "NXDOMAIN", id="outside of the zone"),
        pytest.param("fallthrough\nfallthrough_unsupported", "web.example.org", "MX", "next", id="other types too"),
        pytest.param(
            "fallthrough\nfallthrough_unsupported", "web.example.org", "AAAA", "NOERROR 2001:db8::1", id="not A, AAAA"
        ),
        pytest.param(
            "fallthrough test\nfallthrough_unsupported", "web.example.org", "MX", "NOERROR", id="only in zones"
        ),
        pytest.param("no_reverse", reverse("192.0.2.1"), "PTR", "next", id="no_reverse"),
        pytest.param(
            "192.0.2.50 web.example.org in.test",
            "web.example.org",
            "A",
            "NOERROR 192.0.2.1 192.0.2.2 192.0.2.50",
            id="inline after file",
        ),
        pytest.param("192.0.2.50 web.example.org in.test", "in.test", "A", "NOERROR 192.0.2.50", id="inline"),
        pytest.param(
            "2001:db8::9 *.example.org",
            "web.example.org",
            "AAAA",
            "NOERROR 2001:db8::1 2001:db8::9",
            id="inline wildcard beside file",
        ),
    ],
)
def test_options(tmp_path: Path, options: str, name: str, qtype: str, expected: str) -> None:
    assert Room(tmp_path, options).said(name, qtype) == expected


@pytest.mark.parametrize("given", [{"zones": "example.org"}, {"origins": "example.org"}], ids=["own", "server block"])
@pytest.mark.parametrize(
    ("name", "qtype", "expected"),
    [
        ("web.example.org", "A", "NOERROR 192.0.2.1 192.0.2.2"),
        ("nope.example.org", "A", "NXDOMAIN"),
        ("localhost", "A", "next"),
        (reverse("192.0.2.1"), "PTR", "NOERROR web.example.org"),
        (reverse("192.0.2.1"), "A", "next"),
        (reverse("127.0.0.1"), "PTR", "next"),
    ],
)
def test_zones(tmp_path: Path, given: dict[str, str], name: str, qtype: str, expected: str) -> None:
    assert Room(tmp_path, zones=given.get("zones", ""), origins=given.get("origins", "")).said(name, qtype) == expected


def test_ttl_and_owner(tmp_path: Path) -> None:
    reply = Room(tmp_path, "ttl 77").ask("A.apps.example.org")
    assert isinstance(reply, Answer)
    assert [(record.owner.wire, record.ttl) for record in reply.answer] == [(from_text("A.apps.example.org").wire, 77)]


@pytest.mark.parametrize(
    "name", ["web.example.org", "a.apps.example.org", "nope.example.org", "in.test", "example.org"]
)
def test_every_answer_holds_until_the_file_changes(tmp_path: Path, name: str) -> None:
    reply = Room(tmp_path, "192.0.2.50 in.test").ask(name)
    assert isinstance(reply, Answer)
    assert reply.fresh == Freshness()


def test_what_is_passed_on_stays_as_it_is(tmp_path: Path) -> None:
    room = Room(tmp_path, "fallthrough")
    assert room.ask("nope.test") is NEXT
    assert room.ask("nope.test", following=Drop("x")) == Drop("x")


def test_a_changed_file_is_used_and_announced(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.hosts.refresh()
    assert room.announced == []
    room.rewrite("192.0.2.33 web.example.org\n")
    room.hosts.refresh()
    assert room.said("web.example.org") == "NOERROR 192.0.2.33"
    assert room.said("localhost") == "NXDOMAIN"
    assert room.announced == [frozenset({EVERYTHING})]


def test_a_touched_file_announces_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path)
    os.utime(room.path, (1, 1))
    room.hosts.refresh()
    assert room.announced == []
    assert room.gauge("coredns_hosts_reload_timestamp_seconds") == {(): 1.0}


@pytest.mark.parametrize(
    "content", [None, "\0\0\0", "not a hosts file\n", "<html>\n<b>404</b>\n"], ids=["gone", "NULs", "text", "html"]
)
def test_a_broken_file_keeps_the_last_content_and_is_named_once(
    tmp_path: Path, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(tmp_path)
    if content is None:
        room.path.unlink()
    else:
        room.rewrite(content)
    with caplog.at_level(logging.WARNING):
        room.hosts.refresh()
        room.hosts.refresh()
    assert room.said("localhost") == "NOERROR 127.0.0.1"
    assert room.announced == []
    assert [str(room.path) in record.getMessage() for record in caplog.records] == [True]
    room.rewrite("192.0.2.33 localhost\n")
    room.hosts.refresh()
    assert room.said("localhost") == "NOERROR 192.0.2.33"
    assert len(room.announced) == 1


def test_a_missing_file_may_come_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        room = Room(tmp_path, "192.0.2.50 in.test", content=None)
    assert "No such file" in caplog.text
    assert room.said("in.test") == "NOERROR 192.0.2.50"
    assert room.said("localhost") == "NXDOMAIN"
    room.rewrite(FILE)
    room.hosts.refresh()
    assert room.said("localhost") == "NOERROR 127.0.0.1"


def test_bad_lines_are_left_out_and_named_without_raw_control_characters(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        room = Room(tmp_path, content="1.2.3 \x1b[31mred\n192.0.2.1 a..b\n192.0.2.1\nx\ny\n192.0.2.4 good\n")
    assert room.said("good") == "NOERROR 192.0.2.4"
    assert [record.getMessage().isprintable() for record in caplog.records] == [True] * 4
    assert "line 1" in caplog.records[0].getMessage()
    assert "2 more lines" in caplog.records[3].getMessage()


def test_an_empty_file_is_fine(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert Room(tmp_path, content="# nothing\n").said("localhost") == "NXDOMAIN"
    assert caplog.records == []


def test_metrics_count_file_inline_and_reverse_entries(tmp_path: Path) -> None:
    room = Room(tmp_path, "192.0.2.50 in.test", content="192.0.2.1 a b\n192.0.2.2 *.c\n")
    assert room.gauge("coredns_hosts_entries") == {(str(room.path),): 7.0}


def test_the_file_is_watched_while_started(tmp_path: Path) -> None:
    async def run() -> None:
        arrived = asyncio.Event()
        path = tmp_path / "hosts"
        path.write_text("192.0.2.1 a\n")
        config = config_of(tmp_path, f"hosts {path} {{\n reload 100ms\n}}")
        room = Hosts(config, origins=(), changed=lambda _: arrived.set(), metrics=Metrics())
        await room.start()
        path.with_suffix(".new").write_text("192.0.2.2 a\n")
        path.with_suffix(".new").replace(path)
        await asyncio.wait_for(arrived.wait(), 10)
        await room.stop()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "hosts /x {\n no_revers\n}",
            '3:2: the line lacks NAMES; expected ADDRESS NAMES…; did you mean "no_reverse"?',
            id="typo",
        ),
        pytest.param("hosts /x {\n1.2.3 a\n}", "3:1: '1.2.3' is not an IP address", id="address"),
        pytest.param("hosts /x {\n192.0.2.1 a..b\n}", "3:11: 'a..b': a label must have 1 to 63 bytes", id="name"),
        pytest.param(
            "hosts /x {\nttl 0\n}", '3:5: "0" is not right for ttl; expected a whole number from 1 to 65535', id="ttl"
        ),
        pytest.param(
            "hosts /x {\nreload 1ms\n}", "2:1: hosts: reload is too short; expected 0 or at least 0.1s", id="reload"
        ),
        pytest.param(
            "hosts /x {\nfallthrough_unsupported\n}",
            "2:1: hosts: fallthrough_unsupported needs fallthrough",
            id="alone",
        ),
    ],
)
def test_complaints(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "Corefile").write_text(f". {{\n{text}\n}}\n")
    complaints = Complaints()
    assert bind(load(tmp_path / "Corefile", {}).blocks[0].directives[0], Config, complaints) is None
    assert str(complaints).removeprefix(f"{tmp_path}/Corefile:") == expected


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    content = read_text(text)
    assert all(len(host.address) in (4, 16) for host in content.hosts)


@given(st.ip_addresses(), st.lists(st.text(max_size=10), max_size=3))
def test_any_names_are_hosts_or_refused(address: object, names: list[str]) -> None:
    try:
        found = hosts_of(str(address), names)
    except (BadName, ValueError):
        return
    assert [type(host.name) for host in found] == [Name] * len(names)
