from __future__ import annotations

import re
from pathlib import Path

import pytest

from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.corefile.schema import Zone
from dnspolicy.model.answer import Answer, Drop, Reply
from dnspolicy.model.name import from_labels, from_text
from dnspolicy.model.query import Edns, Query, Transport
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.log import Config, Log
from dnspolicy.plugins.log.handler import line

WEB = from_text("web.shop.svc.cluster.local")
QUERY = Query(WEB, int(Type.A), WEB, id=7, edns=Edns(4096), size=55)


def outcome(query: Query = QUERY, reply: Reply | None = None, source: str = "172.31.9.9") -> Outcome:
    found = Answer(aa=True) if reply is None else reply
    return Outcome(query, found, source, 4053, size=0 if isinstance(found, Drop) else 97, seconds=0.000123)


def test_the_line_is_the_one_of_coredns() -> None:
    found = line(outcome())
    assert found == (
        '[INFO] 172.31.9.9:4053 - 7 "A IN web.shop.svc.cluster.local. udp 55 false 4096" '
        "NOERROR qr,aa,rd 97 0.000123000s\n"
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
    assert found.count("\n") == 1
    assert '"A IN a\\034\\010\\027\\09131m\\255.up. udp' in found


def test_zones_choose_queries() -> None:
    lines: list[str] = []
    log = Log(Config(zones=(Zone("cluster.local."), Zone("a.test."))), write=lines.append, metrics=Metrics())
    for name in ("web.cluster.local", "A.test", "xa.test", "other.test"):
        asked = from_text(name)
        log.seen(outcome(Query(asked, 1, asked)))
    assert [found.split('"')[1].split()[2] for found in lines] == ["web.cluster.local.", "a.test."]


def test_every_query_is_wanted() -> None:
    assert Log(Config(), write=lambda _: None, metrics=Metrics()).every


@pytest.mark.parametrize("error", [OSError(28, "disk full"), ValueError("closed file")])
def test_a_line_that_is_not_taken_is_counted(error: Exception) -> None:
    def write(text: str) -> None:
        raise error

    metrics = Metrics()
    Log(Config(), write=write, metrics=metrics).seen(outcome())
    assert metrics.counter("dnspolicy_log_lines_lost_total", "").values == {(): 1.0}


def test_formats_and_classes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "Corefile"
    path.write_text('. {\n log . "{remote} {name}" {\n  class denial\n }\n}\n')
    complaints = Complaints()
    assert bind(load(path, {}).blocks[0].directives[0], Config, complaints) is None
    assert str(complaints).replace(f"{path}:", "").split("\n") == [
        '2:8: "{remote} {name}" is not right for zones; expected a zone such as example.org or 10.0.0.0/8',
        '3:3: unknown option "class" of log; expected nothing here',
    ]
