"""Which queries a view takes, and what it says that it looks at."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.app.reading import read_plan
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.chain.plugin import ClientFact
from dnspolicy.model.answer import Reply
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import from_labels, from_text
from dnspolicy.model.query import Edns, Query, Transport
from dnspolicy.plugins.view import Config, View
from dnspolicy.plugins.view.config import Condition

NAME = from_text("WWW.Example.org")
ODD = from_labels((b"*", b"a\x01b.c", b"test"))
POD = Identity(ClientKind.POD, "", "127.0.0.9", namespace="shop")


class Spy:
    """Knows one label."""

    def describe(self, label: str, subject: Subject) -> str | None:
        return subject.identity.namespace or "" if label == "kubernetes/client-namespace" else None

    def facts_of(self, label: str) -> frozenset[ClientFact]:
        return frozenset({("namespace",)}) if label == "kubernetes/client-namespace" else frozenset()


def view(*lines: str, enabled: bool = True) -> View:
    metadata = Metadata(enabled)
    made = View(Config(name="one", expr=tuple(Condition(words=tuple(line.split())) for line in lines)), metadata)
    metadata.describers.append(Spy())
    return made


async def resolve(query: Query, ctx: QueryContext) -> Reply:
    raise AssertionError("a view resolves nothing")


def context(source: str = "127.0.0.9") -> QueryContext:
    ctx = QueryContext(source, 4711, 0.0, 5.0, resolve, server_ip="127.0.0.1", server_port=53)
    ctx.identity = POD
    return ctx


QUERY = Query(NAME, 1, NAME, id=7, edns=Edns(1232), size=40)


@pytest.mark.parametrize(
    ("line", "query"),
    [
        pytest.param("name() == 'www.example.org.'", QUERY, id="name"),
        pytest.param("name() == '.'", Query(from_text("."), 1, from_text(".")), id="root"),
        pytest.param(
            r"name() == '*.a\\001b\\.c.test.'", Query(ODD, 1, ODD), id="odd letters as in zone files"
        ),
        pytest.param("type() == 'A' && class() == 'IN'", QUERY, id="type and class"),
        pytest.param("type() == 'TLSA'", Query(NAME, 52, NAME), id="a rarer type"),
        pytest.param("type() == 'TYPE65280'", Query(NAME, 65280, NAME), id="a type without a name"),
        pytest.param("client_ip() == '127.0.0.9' && port() == '4711'", QUERY, id="client"),
        pytest.param("server_ip() == '127.0.0.1' && server_port() == '53'", QUERY, id="server"),
        pytest.param("proto() == 'udp' && bufsize() == 1232 && !do()", QUERY, id="EDNS"),
        pytest.param("bufsize() == 512 && !do()", Query(NAME, 1, NAME), id="no EDNS"),
        pytest.param("bufsize() == 512", Query(NAME, 1, NAME, edns=Edns(100)), id="a small buffer"),
        pytest.param(
            "proto() == 'tcp' && bufsize() == 65535", Query(NAME, 1, NAME, transport=Transport.TCP), id="TCP"
        ),
        pytest.param("do()", Query(NAME, 1, NAME, edns=Edns(1232, do=True)), id="DO"),
        pytest.param("id() == 7 && opcode() == 0 && size() == 40", QUERY, id="message"),
        pytest.param("incidr(client_ip(), '127.0.0.0/24')", QUERY, id="in a network"),
        pytest.param("!incidr(client_ip(), '::/0')", QUERY, id="of another family"),
        pytest.param("incidr('2001:db8::1', '2001:db8::/32')", QUERY, id="IPv6"),
        pytest.param("metadata('kubernetes/client-namespace') == 'shop'", QUERY, id="label"),
        pytest.param("metadata('nobody/knows') == ''", QUERY, id="unknown label"),
        pytest.param(
            "lower(upper(trim(' a '))) == 'a' && len('abc') == 3 && int('7') == id()", QUERY, id="texts"
        ),
        pytest.param("hasPrefix(name(), 'www.') && hasSuffix(name(), 'org.')", QUERY, id="ends of texts"),
    ],
)  # fmt: skip
def test_takes(line: str, query: Query) -> None:
    assert view(line).admits(query, context())
    assert not view(f"!({line})").admits(query, context())


def test_all_lines_must_hold() -> None:
    assert view("type() == 'A'", "do() == false").admits(QUERY, context())
    assert not view("type() == 'A'", "do()").admits(QUERY, context())
    assert view().admits(QUERY, context())


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("incidr('bogus', '10.0.0.0/8')", id="no address"),
        pytest.param("!incidr('bogus', '10.0.0.0/8')", id="not of no address"),
        pytest.param("!incidr(client_ip(), name())", id="no network"),
        pytest.param("int(name()) != 1", id="no number"),
        pytest.param("int('1_0') == 10", id="no plain number"),
        pytest.param("1 % (id() - 7) == 0", id="division by nothing"),
    ],
)
def test_a_condition_without_a_value_does_not_hold(line: str) -> None:
    assert not view(line).admits(QUERY, context())


@pytest.mark.parametrize(
    ("line", "reads", "fleeting"),
    [
        pytest.param("type() == 'A' && size() < 512 && do()", set(), False, id="the question"),
        pytest.param("proto() == 'udp' && server_port() == '53'", set(), False, id="the door"),
        pytest.param("incidr(client_ip(), '10.0.0.0/8')", {("ip",)}, False, id="address"),
        pytest.param("metadata('kubernetes/client-namespace') == 'x'", {("namespace",)}, False, id="label"),
        pytest.param("metadata('view/name') == 'x'", set(), False, id="label of no client"),
        pytest.param("id() == 1", set(), True, id="id"),
        pytest.param("port() == '1'", set(), True, id="port"),
        pytest.param("server_ip() == '1'", set(), True, id="address of the server"),
    ],
)
def test_what_it_looks_at(line: str, reads: set[ClientFact], fleeting: bool) -> None:
    made = view(line)
    assert (made.reads, made.fleeting) == (reads, fleeting)


def test_labels_that_are_not_enabled_are_empty_and_read_nothing() -> None:
    made = view("metadata('kubernetes/client-namespace') == ''", enabled=False)
    assert made.admits(QUERY, context())
    assert made.reads == frozenset()


def test_its_own_label() -> None:
    assert view().describe("view/name", Subject(QUERY)) == "one"
    assert view().describe("other/name", Subject(QUERY)) is None


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param("name() == 1", "3:15: expr: == takes two of a kind", id="kinds"),
        pytest.param("type()", "3:8: expr: an expression must be true or false, not a text", id="no condition"),
        pytest.param("type() == 'A' && nam() == 'x'", "3:25: expr: nothing is called nam", id="unknown function"),
        pytest.param("incidr(client_ip(), '10.0.0.0/33')", "3:8: expr: incidr: the network must", id="network"),
        pytest.param("incidr(client_ip(), '10.0.0.1')", "3:8: expr: incidr: the network must", id="address alone"),
        pytest.param("name() matches '['", "3:23: expr: '[' is not a regular expression", id="pattern"),
        pytest.param("metadata(name()) == ''", "3:8: expr: metadata: the label must be a fixed text", id="label"),
        pytest.param("metadata('name') == ''", "3:8: expr: metadata: a label has the form", id="label without slash"),
        pytest.param("", "3:3: expr lacks WORDS", id="nothing"),
    ],
)
def test_complaints_say_where(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "Corefile"
    path.write_text(f".:53 {{\n view one {{\n  expr {line}\n }}\n}}\n")
    with pytest.raises(ConfigError) as caught:
        read_plan(path, {})
    assert f"{path}:{complaint}" in str(caught.value)


BLOCK = "a.example:5300 {\n%s}\n"
VIEW = " view %s {\n  expr do()\n }\n"


@pytest.mark.parametrize(
    ("blocks", "accepted"),
    [
        pytest.param(["", ""], False, id="no views"),
        pytest.param([VIEW % "one", VIEW % "two"], True, id="two views"),
        pytest.param([VIEW % "one", ""], True, id="a view and the rest"),
        pytest.param(["", VIEW % "one"], True, id="the rest first"),
        pytest.param([VIEW % "one", "", ""], False, id="two without a view"),
    ],
)
def test_blocks_of_one_zone_and_port(tmp_path: Path, blocks: list[str], accepted: bool) -> None:
    path = tmp_path / "Corefile"
    path.write_text("".join(BLOCK % block for block in blocks))
    if accepted:
        assert len(read_plan(path, {}).blocks) == len(blocks)
    else:
        with pytest.raises(ConfigError, match="is served twice"):
            read_plan(path, {})


@given(st.text(max_size=40))
def test_never_raises_whatever_the_client_is(source: str) -> None:
    made = view("incidr(client_ip(), '10.0.0.0/8') || int(client_ip()) > 1 || client_ip() matches 'a'")
    assert made.admits(QUERY, context(source)) in (True, False)
