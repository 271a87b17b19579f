from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.chain.plugin import NO_FACTS
from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.model.answer import Answer, Drop, Reply
from dnspolicy.model.name import from_labels, from_text
from dnspolicy.model.query import Edns, Query, Transport
from dnspolicy.model.rr import Rcode, Record, Type
from dnspolicy.plugins.log import Config, Log
from dnspolicy.plugins.log.config import ResponseClass

WEB = from_text("web.shop.svc.cluster.local")
QUERY = Query(WEB, int(Type.A), WEB, id=7, edns=Edns(4096), size=55)


def outcome(query: Query = QUERY, reply: Reply | None = None, source: str = "172.31.9.9") -> Outcome:
    found = Answer(aa=True) if reply is None else reply
    return Outcome(query, found, source, 4053, size=0 if isinstance(found, Drop) else 97, seconds=0.000123)


def logging(*configs: Config, write: Callable[[str], object] = lambda _: None, metadata: Metadata | None = None) -> Log:
    return Log(configs, write=write, metrics=Metrics(), metadata=metadata or Metadata())


def line(seen: Outcome, text: str = "", metadata: Metadata | None = None) -> str:
    lines: list[str] = []
    logging(Config(words=(text,) if text else ()), write=lines.append, metadata=metadata).seen(seen)
    return lines[0]


def test_the_line_is_the_one_of_coredns() -> None:
    found = line(outcome())
    assert found == (
        '[INFO] 172.31.9.9:4053 - 7 "A IN web.shop.svc.cluster.local. udp 55 false 4096" '
        "NOERROR qr,aa,rd 97 0.000123000s"
    )
    assert re.search(
        r"\[INFO\] 172\.31\.9\.9:\d+ - \d+ "
        r'"A IN web\.shop\.svc\.cluster\.local\. udp \d+ false 4096" NOERROR qr,aa,rd \d+ 0\.\d+s',
        found,
    )


@pytest.mark.parametrize(
    ("seen", "part"),
    [
        pytest.param(outcome(source="2001:db8::1"), "[INFO] [2001:db8::1]:4053 - ", id="IPv6 client"),
        pytest.param(outcome(Query(WEB, 1, WEB)), " udp 0 false 512", id="no EDNS"),
        pytest.param(outcome(Query(WEB, 1, WEB, edns=Edns(100))), " udp 0 false 512", id="small EDNS"),
        pytest.param(outcome(Query(WEB, 1, WEB, transport=Transport.TCP)), " tcp 0 false 65535", id="TCP"),
        pytest.param(outcome(Query(WEB, 1, WEB, edns=Edns(1232, do=True))), " udp 0 true 1232", id="DO"),
        pytest.param(outcome(Query(WEB, 65280, WEB, qclass=3)), '"TYPE65280 CH web.', id="type without a name"),
        pytest.param(outcome(Query(from_text("."), 2, from_text("."))), '"NS IN . udp', id="root"),
        pytest.param(outcome(Query(from_text("b"), 1, from_text("a"))), '"A IN a. udp', id="the name that was asked"),
        pytest.param(outcome(reply=Answer(Rcode.NXDOMAIN, ra=True)), " NXDOMAIN qr,rd,ra 97 ", id="flags"),
        pytest.param(outcome(reply=Answer(23)), " RCODE23 qr,rd 97 ", id="rcode without a name"),
        pytest.param(
            outcome(Query(WEB, 1, WEB, rd=False, cd=True), Answer(tc=True)), " NOERROR qr,tc,cd 97", id="cd, tc"
        ),
        pytest.param(outcome(reply=Drop("x")), '" - - 0 0.', id="no reply"),
    ],
)
def test_parts_of_the_line(seen: Outcome, part: str) -> None:
    assert part in line(seen)


def test_names_are_escaped() -> None:
    evil = from_labels([b'a"\n\x1b[31m\xff', b"UP"])
    found = line(outcome(Query(evil, 1, evil)))
    assert found.isprintable()
    assert '"A IN a\\034\\010\\027\\09131m\\255.up. udp' in found


def test_zones_choose_queries() -> None:
    lines: list[str] = []
    log = logging(Config(words=("cluster.local", "A.test.")), write=lines.append)
    for name in ("web.cluster.local", "A.test", "xa.test", "other.test"):
        asked = from_text(name)
        log.seen(outcome(Query(asked, 1, asked)))
    assert [found.split('"')[1].split()[2] for found in lines] == ["web.cluster.local.", "a.test."]


def test_every_query_is_wanted() -> None:
    assert logging(Config()).every


@pytest.mark.parametrize("error", [OSError(28, "disk full"), ValueError("closed file")])
def test_a_line_that_is_not_taken_is_counted(error: Exception) -> None:
    def write(text: str) -> None:
        raise error

    metrics = Metrics()
    Log((Config(),), write=write, metrics=metrics, metadata=Metadata()).seen(outcome())
    assert metrics.counter("dnspolicy_log_lines_lost_total", "").values == {(): 1.0}


def bound(text: str, tmp_path: Path) -> tuple[Config | None, str]:
    path = tmp_path / "Corefile"
    path.write_text(f". {{\n {text}\n}}\n")
    complaints = Complaints()
    made = bind(load(path, {}).blocks[0].directives[0], Config, complaints)
    return made, str(complaints).replace(f"{path}:", "")


@pytest.mark.parametrize(
    ("text", "names", "form"),
    [
        pytest.param("log", [], "", id="bare"),
        pytest.param("log example.org 10.0.0.0/8", ["example.org", "10.in-addr.arpa"], "", id="names"),
        pytest.param('log . "{remote} {name}"', ["."], "{remote} {name}", id="format"),
        pytest.param("log a.test b.test {combined}", ["a.test", "b.test"], "{combined}", id="short format"),
        pytest.param("log {common}", [], "{common}", id="format alone"),
    ],
)
def test_words(text: str, names: list[str], form: str, tmp_path: Path) -> None:
    made, complaints = bound(text, tmp_path)
    assert made is not None, complaints
    assert ([str(name) for name in made.names], made.format) == (names, form)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        pytest.param("log {\n class good\n }", '"good" is not right for class; expected one of', id="class"),
        pytest.param("log a..b", "2:6: log: 'a..b' is no name: a label must have", id="name"),
        pytest.param('log "{name}" a.test', "2:6: log: '{name}' is no name: '{' does not", id="format first"),
    ],
)
def test_complaints(text: str, wrong: str, tmp_path: Path) -> None:
    made, complaints = bound(text, tmp_path)
    assert made is None
    assert wrong in complaints


SOA = (Record(WEB, int(Type.SOA), 5, b""),)
NS = (Record(WEB, int(Type.NS), 5, b""),)
A = (Record(WEB, int(Type.A), 5, b""),)
KINDS = [
    pytest.param(Answer(answer=A), "success", "NOERROR", id="answer"),
    pytest.param(Answer(), "success", "NOERROR", id="empty without SOA"),
    pytest.param(Answer(authority=NS), "success", "DELEGATION", id="delegation"),
    pytest.param(Answer(authority=SOA), "denial", "NODATA", id="no data"),
    pytest.param(Answer(Rcode.NXDOMAIN, authority=SOA), "denial", "NXDOMAIN", id="NXDOMAIN"),
    pytest.param(Answer(Rcode.NXDOMAIN, answer=A), "error", "OTHERERROR", id="NXDOMAIN with an answer"),
    pytest.param(Answer(Rcode.SERVFAIL), "error", "SERVERERROR", id="SERVFAIL"),
    pytest.param(Answer(Rcode.NOTIMP), "error", "SERVERERROR", id="NOTIMP"),
    pytest.param(Answer(Rcode.REFUSED), "error", "OTHERERROR", id="REFUSED"),
    pytest.param(Drop("x"), "error", "OTHERERROR", id="no reply"),
]


@pytest.mark.parametrize(("reply", "sort", "kind"), KINDS)
def test_classes_choose_replies(reply: Reply, sort: str, kind: str) -> None:
    for wanted in ResponseClass:
        lines: list[str] = []
        logging(Config(class_=(wanted,)), write=lines.append).seen(outcome(reply=reply))
        assert bool(lines) == (wanted in (sort, "all"))


def test_several_classes_and_lines_add_up(tmp_path: Path) -> None:
    made, _ = bound("log {\n class denial\n class success\n }", tmp_path)
    assert made is not None
    assert made.classes == {ResponseClass.DENIAL, ResponseClass.SUCCESS}
    assert Config(class_=(ResponseClass.ERROR, ResponseClass.ALL)).classes is None


@pytest.mark.parametrize(("reply", "sort", "kind"), KINDS)
def test_classes_and_kinds_have_labels(reply: Reply, sort: str, kind: str) -> None:
    log = logging(Config())
    subject = Subject(QUERY, reply=reply)
    assert (log.describe("log/class", subject), log.describe("log/type", subject)) == (sort, kind)
    assert log.describe("log/other", subject) is None
    assert log.describe("log/class", Subject(QUERY)) == ""
    assert log.facts_of("log/class") == NO_FACTS


@pytest.mark.parametrize(
    ("qtype", "kind"), [(252, "META"), (251, "META"), (1, "NOERROR")], ids=["AXFR", "IXFR", "anything else"]
)
def test_a_transfer_is_neither_success_nor_denial(qtype: int, kind: str) -> None:
    assert logging(Config()).describe("log/type", Subject(Query(WEB, qtype, WEB), reply=Answer(answer=A))) == kind


class Pod:
    """Knows a few labels."""

    def describe(self, label: str, subject: Subject) -> str | None:
        return {"pod/name": "web-1", "pod/odd": "a\nb\x1b", "pod/none": ""}.get(label)

    def facts_of(self, label: str) -> frozenset[tuple[str, ...]]:
        return NO_FACTS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{type} {class} {name}", "A IN web.shop.svc.cluster.local."),
        ("{remote} {port} {local} {proto} {size}", "172.31.9.9 4053 10.0.0.1 udp 55"),
        ("{rcode} {rsize} {duration} {>rflags}", "NOERROR 97 0.000123000s qr,aa,rd"),
        ("{>id} {>do} {>bufsize} {>opcode}", "7 false 4096 0"),
        ("{/pod/name}|{/pod/odd}|{/pod/none}|{/nobody/knows}|{/}", "web-1|a\\nb\\x1b|-|-|-"),
        ("{unknown} {>nothing} {} { {name} } 100%s", "{unknown} {>nothing} {} { web.shop.svc.cluster.local. } 100%s"),
        ("{{type}}", "{A}"),
        ("{name", "{name"),
    ],
)
def test_placeholders(text: str, shown: str) -> None:
    metadata = Metadata()
    metadata.describers.append(Pod())
    seen = Outcome(QUERY, Answer(aa=True), "172.31.9.9", 4053, size=97, seconds=0.000123, server_ip="10.0.0.1")
    assert line(seen, text, metadata) == f"[INFO] {shown}"


def test_short_names_of_formats() -> None:
    assert line(outcome(), "{common}") == line(outcome())
    assert line(outcome(), "{combined}") == line(outcome()) + ' "0"'
    assert line(outcome(), "x {common} y") == line(outcome()).replace("[INFO]", "[INFO] x") + " y"


def test_the_flags_are_those_of_the_reply() -> None:
    assert " qr,aa 97 " in line(outcome(reply=Answer(aa=True, rd=False)))


def test_of_several_directives_the_first_that_covers_a_name_decides() -> None:
    lines: list[str] = []
    log = logging(
        Config(words=("a.test", "1 {name}"), class_=(ResponseClass.ERROR,)),
        Config(words=(".", "2 {name}")),
        write=lines.append,
    )
    for name in ("x.a.test", "b.test"):
        asked = from_text(name)
        log.seen(outcome(Query(asked, 1, asked)))
    assert lines == ["[INFO] 2 b.test."]


LABELS = st.lists(st.binary(min_size=1, max_size=20), max_size=5)


@settings(deadline=None)
@given(labels=LABELS, qtype=st.integers(0, 65535), qclass=st.integers(0, 65535), rcode=st.integers(0, 4095))
def test_whatever_is_asked_is_one_printable_line(labels: list[bytes], qtype: int, qclass: int, rcode: int) -> None:
    name = from_labels(labels)
    found = line(outcome(Query(name, qtype, name, qclass=qclass), Answer(rcode)), "{combined} {name}")
    assert found.isascii()
    assert found.isprintable()


@settings(deadline=None)
@given(text=st.text(st.sampled_from("{}/>%s n\\amert-é"), max_size=30))
def test_every_format_can_be_written(text: str) -> None:
    seen = outcome()
    assert line(seen, "{" + text).startswith("[INFO] ")
