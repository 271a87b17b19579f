from __future__ import annotations

from pathlib import Path

import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.model.name import from_text
from dnspolicy.plugins.file.lines import BadZone, Misplaced, entries
from dnspolicy.plugins.file.reader import Reader, ttl
from dnspolicy.wire.rdata import text as rdata_text

APEX = "@ 60 IN SOA ns host 1 2 3 4 5\n"


def read(folder: Path, text: str, zone: str = "example.test") -> list[str]:
    path = folder / "db"
    path.write_text(text)
    content = Reader(from_text(zone)).read(path)
    return [f"{r.owner} {r.ttl} {r.type} {rdata_text(r)}" for r in content.records if r.type != 6]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("www A 10.0.0.1\n", ["www.example.test 60 1 10.0.0.1"], id="ttl-of-the-record-before"),
        pytest.param("$TTL 1h30m\nwww A 10.0.0.1\n", ["www.example.test 5400 1 10.0.0.1"], id="default-ttl"),
        pytest.param("www IN 5 A 10.0.0.1\n", ["www.example.test 5 1 10.0.0.1"], id="class-before-ttl"),
        pytest.param("www 5 in a 10.0.0.1\n", ["www.example.test 5 1 10.0.0.1"], id="lower-case"),
        pytest.param("www. A 10.0.0.1\n@ A 10.0.0.2", ["example.test 60 1 10.0.0.2"], id="absolute-and-apex"),
        pytest.param(
            "a 5 A 10.0.0.1\n  5 A 10.0.0.2\n",
            ["a.example.test 5 1 10.0.0.1", "a.example.test 5 1 10.0.0.2"],
            id="same-owner",
        ),
        pytest.param(
            "$ORIGIN x\na 5 A 10.0.0.1\n$ORIGIN y\nb 5 A 10.0.0.1",
            ["a.x.example.test 5 1 10.0.0.1", "b.y.x.example.test 5 1 10.0.0.1"],
            id="origin",
        ),
        pytest.param(
            "a 5 MX ( 10 ; first\n b ) ; last\n", ["a.example.test 5 15 10 b.example.test."], id="parentheses"
        ),
        pytest.param('a 5 TXT "x;(y" "\\"z"\n', ['a.example.test 5 16 "x;(y",""z"'], id="quotes"),
        pytest.param("a\\.b 5 A 10.0.0.1\n", ["a\\046b.example.test 5 1 10.0.0.1"], id="escaped-dot"),
        pytest.param("a 5 TYPE65280 \\# 2 abcd\n", ["a.example.test 5 65280 \\# 2 abcd"], id="unknown-type"),
        pytest.param("a 5 A \\# 4 0a000001\n", ["a.example.test 5 1 10.0.0.1"], id="generic-form"),
        pytest.param(
            "$GENERATE 1-3/2 h$ 5 A 10.0.0.$\n",
            ["h1.example.test 5 1 10.0.0.1", "h3.example.test 5 1 10.0.0.3"],
            id="generate",
        ),
        pytest.param(
            "$GENERATE 9-10 h${1,3,x} 5 CNAME t\\$\n",
            ["h00a.example.test 5 5 t\\036.example.test.", "h00b.example.test 5 5 t\\036.example.test."],
            id="generate-format",
        ),
        pytest.param("\r\na 5 A 10.0.0.1\r\n", ["a.example.test 5 1 10.0.0.1"], id="carriage-returns"),
    ],
)
def test_what_is_read(tmp_path: Path, text: str, found: list[str]) -> None:
    assert read(tmp_path, APEX + text) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("www A 10.0.0\n", "db:2: "),
        ("www A fd00::1\n", "other family"),
        ("\nwww B 1\n", "db:3: 'B' is no record type"),
        ("www CH TXT x\n", "class 'CH'"),
        ("www ANY x\n", "no type of records"),
        ("www 5 6 A 10.0.0.1\n", "second TTL"),
        ("www 99999999999 A 10.0.0.1\n", "more than"),
        ("www\n", "record type is missing"),
        ("www MX 10\n", "expected 2"),
        ("www MX 70000 a\n", "up to 65535"),
        ("www SRV 1 2 3\n", "expected 4"),
        (f"{'x' * 64} A 10.0.0.1\n", "1 to 63 bytes"),
        ("a ( A\n10.0.0.1\n", "db:2: a parenthesis is never closed"),
        ("a ) A 10.0.0.1\n", "without an opening"),
        ('a TXT "x\n', "quote is never closed"),
        ("$TTL\n", "$TTL TTL"),
        ("$FOO x\n", "'$FOO'"),
        ("$INCLUDE nothere\n", "db:2: 'nothere'"),
        ("$INCLUDE db\n", "themselves"),
        ("$GENERATE 1-9999999 h$ A 10.0.0.1\n", "no range"),
        ("$GENERATE 1-2/0 h$ A 10.0.0.1\n", "no range"),
        ("$GENERATE 1-2\n", "$GENERATE START"),
        ("sub SOA ns host 1 2 3 4 5\n", "the SOA is that of sub.example.test"),
        ("a NSEC3PARAM 1 0 0 -\n", "NSEC3"),
        ("a TXT " + '"' + "x" * 300 + '"\n', "db:2: TXT"),
        ("a TYPE65280 \\# 64001 " + "00" * 64001 + "\n", "at most 64000"),
    ],
)
def test_what_is_wrong_is_placed(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(BadZone) as raised:
        read(tmp_path, APEX + text)
    assert why in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_includes_have_an_origin_of_their_own_and_leave_no_trace(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a").write_text("$INCLUDE b sub\n$ORIGIN elsewhere\nx 5 A 10.0.0.2\n")
    (tmp_path / "more" / "b").write_text("y 5 A 10.0.0.3\n")
    text = APEX + "first 5 A 10.0.0.1\n$INCLUDE more/a\n  A 10.0.0.4\nlast A 10.0.0.5\n"
    assert read(tmp_path, text) == [
        "first.example.test 5 1 10.0.0.1",
        "y.sub.example.test 5 1 10.0.0.3",
        "x.elsewhere.example.test 5 1 10.0.0.2",
        "first.example.test 5 1 10.0.0.4",
        "last.example.test 5 1 10.0.0.5",
    ]


def test_what_is_wrong_in_an_included_file_is_placed_there(tmp_path: Path) -> None:
    (tmp_path / "inner").write_text("\n\nwww A bad\n")
    with pytest.raises(BadZone, match="inner:3: "):
        read(tmp_path, APEX + "$INCLUDE inner\n")


@pytest.mark.parametrize("raw", [b"\0", b"\xff\xfe@"], ids=["zero", "latin"])
def test_what_is_no_text_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "db").write_bytes(raw)
    with pytest.raises(BadZone, match="not a text"):
        Reader(from_text("example.test")).read(tmp_path / "db")


def test_records_outside_the_zone_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "db").write_text(APEX + "www.other.test. A 10.0.0.1\n")
    content = Reader(from_text("example.test")).read(tmp_path / "db")
    assert (len(content.records), content.outside) == (1, 1)


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("5", 5), ("1m", 60), ("1h1s", 3601), ("1W2D", 777600)])
def test_ttls(text: str, seconds: int) -> None:
    assert ttl(text) == seconds


LINE = st.lists(
    st.sampled_from(
        [
            "a",
            "@",
            "5",
            "IN",
            "A",
            "TXT",
            "10.0.0.1",
            '"',
            "(",
            ")",
            ";",
            "\\",
            "\\046",
            "$TTL",
            "$ORIGIN",
            "$GENERATE",
            "1-3",
            "${0,3,x}",
            "$",
            "SOA",
            "MX",
            "SRV",
            "\\#",
            "4",
            "0a000001",
            "\t",
            "x" * 70,
            "\x7f",
            "é",
        ]
    ),
    max_size=8,
).map(" ".join)


@given(text=st.lists(LINE, max_size=6).map("\n".join))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_text(APEX + text)
    try:
        content = Reader(from_text("example.test")).read(path)
    except DnsPolicyError as problem:
        complaint = str(problem)
    else:
        complaint = str(path)
        assert all(record.ttl < 2**31 and len(record.rdata) <= 65535 for record in content.records)
    assert complaint.startswith(str(path))


@given(st.text(alphabet='ab "\\();\n$', max_size=60))
def test_entries_never_lose_their_lines(text: str) -> None:
    try:
        found = list(entries(text.split("\n")))
    except Misplaced as problem:
        found, line = [], problem.line
    else:
        line = 1
    assert 1 <= line <= text.count("\n") + 1
    assert [entry.line for entry in found] == sorted({entry.line for entry in found})


NAMES = st.sampled_from(["a", "b.c", "*.d", "_x._tcp", "@", "a.example.test."])
RECORDS = st.one_of(
    st.builds("{} {} A 10.0.0.{}".format, NAMES, st.integers(1, 9), st.integers(0, 255)),
    st.builds("{} {} IN AAAA fd00::{:x}".format, NAMES, st.integers(1, 9), st.integers(0, 65535)),
    st.builds("{} {} MX {} {}".format, NAMES, st.integers(1, 9), st.integers(0, 65535), NAMES),
    st.builds("{} {} SRV 1 2 {} {}".format, NAMES, st.integers(1, 9), st.integers(0, 65535), NAMES),
    st.builds('{} {} TXT "{}" ; note'.format, NAMES, st.integers(1, 9), st.text(alphabet="ab; ()", max_size=9)),
    st.builds("{} {} NS ( \n {} )".format, NAMES, st.integers(1, 9), NAMES),
)


@given(lines=st.lists(RECORDS, max_size=12))
def test_the_same_as_another_library_reads(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    text = APEX + "\n".join(lines) + "\n"
    path = tmp_path_factory.getbasetemp() / "compared"
    path.write_text(text)
    ours = {(r.owner.key, r.type, r.rdata) for r in Reader(from_text("example.test")).read(path).records}
    theirs = dns.zone.from_text(text, "example.test.", relativize=False, check_origin=False)
    assert ours == {
        (name.to_wire().lower(), int(rdata.rdtype), rdata.to_wire()) for name, _, rdata in theirs.iterate_rdatas()
    }
