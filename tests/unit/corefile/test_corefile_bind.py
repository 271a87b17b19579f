from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from corefile_help import load_text

from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.builtin import BindConfig
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.schema import Duration, Positional, Rest, Size, Zone


class Mode(StrEnum):
    OFF = "off"
    VERIFIED = "verified"
    INSECURE = "insecure"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    kind: Annotated[Literal["success", "denial"], Positional]
    count: Annotated[int, Positional, msgspec.Meta(ge=0)] = 100
    least: Duration = Duration(0.0)


class Full(msgspec.Struct, frozen=True, kw_only=True):
    from_: Annotated[Zone, Positional]
    to: Annotated[tuple[str, ...], Positional]
    ttl: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 5
    wait: Annotated[Duration, msgspec.Meta(gt=0)] = Duration(2.0)
    most: Size = Size(100)
    mode: Mode = Mode.OFF
    entry: Annotated[str, msgspec.Meta(pattern="^data")] = "data"
    quiet: bool = False
    except_: tuple[Zone, ...] = ()
    fallthrough: tuple[Zone, ...] | None = None
    limit: tuple[Limits, ...] = ()
    own: Limits | None = None
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.to == ("bad",):
            raise ValueError(f"{self.to[0]!r} is no good; expected better")
        if self.quiet and self.ttl == 0:
            raise ValueError("quiet and ttl 0 exclude each other")


class Needy(msgspec.Struct, frozen=True, kw_only=True):
    rego: tuple[str, ...]
    name: str
    few: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=2)] = ("x",)


class Skipping(msgspec.Struct, frozen=True, kw_only=True):
    ttl: Annotated[int, Positional] = 3600
    zones: Annotated[tuple[Zone, ...], Positional] = ()


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    ttl: int = 5
    lines: Annotated[tuple[tuple[str, ...], ...], Rest] = ()


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    left: Annotated[int, Positional]
    right: Annotated[tuple[str, ...], Positional]

    def __post_init__(self) -> None:
        if self.left == 13:
            raise ValueError("13 is bad luck")


class Pairs(msgspec.Struct, frozen=True, kw_only=True):
    ttl: int = 5
    pairs: Annotated[tuple[Pair, ...], Rest] = ()


NUMBER = "a whole number from 0 to 3600"
ZONE = "a zone such as example.org or 10.0.0.0/8"


def bound(folder: Path, config: type[msgspec.Struct], text: str) -> tuple[Any, list[str]]:
    """The Config of the directive `text`, and the complaints without the file's name; lines count from 1."""
    complaints = Complaints()
    directive = load_text(folder, ". {\n" + text + "\n}\n").blocks[0].directives[0]
    value = bind(directive, config, complaints)
    told = [line.removeprefix(f"{folder}/Corefile:") for line in str(complaints).split("\n") if line]
    assert (value is None) == bool(told)
    return value, told


@pytest.mark.parametrize(
    ("config", "text", "expected"),
    [
        pytest.param(Full, "f a.test x", Full(from_=Zone("a.test."), to=("x",)), id="defaults"),
        pytest.param(
            Full,
            "f . x y {\n ttl 30\n wait 20ms\n most 2k\n mode verified\n entry data.x\n quiet\n share 0.25\n}",
            Full(
                from_=Zone("."),
                to=("x", "y"),
                ttl=30,
                wait=Duration(0.02),
                most=Size(2048),
                mode=Mode.VERIFIED,
                entry="data.x",
                quiet=True,
                share=0.25,
            ),
            id="scalars",
        ),
        pytest.param(
            Full,
            "f . x {\n except a.test B.test\n except c.test\n}",
            Full(from_=Zone("."), to=("x",), except_=(Zone("a.test."), Zone("b.test."), Zone("c.test."))),
            id="tuple repeated, trailing underscore",
        ),
        pytest.param(
            Full,
            "f . x {\n except 10.0.0.0/15\n}",
            Full(from_=Zone("."), to=("x",), except_=(Zone("0.10.in-addr.arpa."), Zone("1.10.in-addr.arpa."))),
            id="network widened",
        ),
        pytest.param(
            Full, "f . x {\n fallthrough\n}", Full(from_=Zone("."), to=("x",), fallthrough=()), id="empty tuple"
        ),
        pytest.param(
            Full,
            "f . x {\n limit success 5 {\n  least 1s\n }\n limit denial\n own success 1\n}",
            Full(
                from_=Zone("."),
                to=("x",),
                limit=(Limits(kind="success", count=5, least=Duration(1.0)), Limits(kind="denial")),
                own=Limits(kind="success", count=1),
            ),
            id="structs",
        ),
        pytest.param(Skipping, "cache", Skipping(), id="all optional"),
        pytest.param(Skipping, "cache 30 a.test", Skipping(ttl=30, zones=(Zone("a.test."),)), id="number first"),
        pytest.param(
            Skipping, "cache a.test b.test", Skipping(zones=(Zone("a.test."), Zone("b.test."))), id="number left out"
        ),
        pytest.param(
            Lines,
            'hosts {\n 192.0.2.1 a b\n ttl 7\n "x y"\n}',
            Lines(ttl=7, lines=(("192.0.2.1", "a", "b"), ("x y",))),
            id="rest as words",
        ),
        pytest.param(
            Pairs,
            "p {\n 1 a\n ttl 7\n 2 b c\n}",
            Pairs(ttl=7, pairs=(Pair(left=1, right=("a",)), Pair(left=2, right=("b", "c")))),
            id="rest as structs",
        ),
        pytest.param(
            BindConfig,
            "bind 127.0.0.1 eth0 {\n except 127.0.0.2\n}",
            BindConfig(addresses=("127.0.0.1", "eth0"), except_=("127.0.0.2",)),
            id="bind",
        ),
    ],
)
def test_values(tmp_path: Path, config: type[msgspec.Struct], text: str, expected: msgspec.Struct) -> None:
    assert bound(tmp_path, config, text) == (expected, [])


@pytest.mark.parametrize(
    ("config", "text", "expected"),
    [
        pytest.param(
            Full, "f", ["2:1: f lacks FROM; expected f FROM TO…", "2:1: f lacks TO; expected f FROM TO…"], id="no words"
        ),
        pytest.param(Full, "f .", ["2:1: f lacks TO; expected f FROM TO…"], id="word missing"),
        pytest.param(Full, "f a..b x", ['2:3: "a..b" is not right for from; expected {zone}'], id="zone"),
        pytest.param(
            Full, "f 10.0.0.0/15 x", ['2:3: "10.0.0.0/15" stands for 2 zones; expected one zone'], id="one zone"
        ),
        pytest.param(
            Full,
            "f . x {\n tll 5\n}",
            [
                '3:2: unknown option "tll" of f; '
                "expected one of entry, except, fallthrough, limit, mode, most, own, quiet, "
                'share, ttl, wait; did you mean "ttl"?'
            ],
            id="unknown option",
        ),
        pytest.param(Full, "f . x {\n ttl abc\n}", ['3:6: "abc" is not right for ttl; expected {number}'], id="number"),
        pytest.param(
            Full, "f . x {\n ttl 3601\n}", ['3:6: "3601" is not right for ttl; expected {number}'], id="bound"
        ),
        pytest.param(
            Full, "f . x {\n ttl 1e3\n}", ['3:6: "1e3" is not right for ttl; expected {number}'], id="exponent"
        ),
        pytest.param(Full, "f . x {\n ttl\n}", ["3:2: ttl lacks its value; expected ttl and {number}"], id="no value"),
        pytest.param(
            Full,
            "f . x {\n ttl 1 2\n}",
            ['3:8: "2" is one word too many for ttl; expected ttl and {number}'],
            id="two values",
        ),
        pytest.param(
            Full,
            "f . x {\n ttl 1\n ttl 2\n}",
            ["4:2: ttl is given twice; first at {file}:3:2; expected it once"],
            id="twice",
        ),
        pytest.param(
            Full,
            "f . x {\n quiet yes\n}",
            ['3:8: "yes" is one word too many for quiet; expected quiet alone'],
            id="flag with a word",
        ),
        pytest.param(
            Full, "f . x {\n ttl 5 {\n  x\n }\n}", ["3:2: ttl takes no block; expected ttl and {number}"], id="block"
        ),
        pytest.param(
            Full,
            "f . x {\n mode verifed\n}",
            ['3:7: "verifed" is not right for mode; expected one of off, verified, insecure; did you mean "verified"?'],
            id="enum",
        ),
        pytest.param(
            Full,
            "f . x {\n wait 0\n}",
            ['3:7: "0" is not right for wait; expected a duration such as 5s or 20ms, more than 0'],
            id="duration bound",
        ),
        pytest.param(
            Full,
            "f . x {\n most 5T\n}",
            ['3:7: "5T" is not right for most; expected a size such as 512, 64k or 10M'],
            id="size",
        ),
        pytest.param(
            Full,
            "f . x {\n entry foo\n}",
            ['3:8: "foo" is not right for entry; expected a word that matches ^data'],
            id="pattern",
        ),
        pytest.param(
            Full, "f . x {\n share nan\n}", ['3:8: "nan" is not right for share; expected a number'], id="not a number"
        ),
        pytest.param(
            Full,
            "f . x {\n limit sucess\n}",
            ['3:8: "sucess" is not right for kind; expected one of success, denial; did you mean "success"?'],
            id="word of a struct",
        ),
        pytest.param(
            Full,
            "f . x {\n limit\n}",
            ["3:2: limit lacks KIND; expected limit KIND [COUNT]"],
            id="struct without its word",
        ),
        pytest.param(
            Full,
            "f . x {\n own denial\n own denial\n}",
            ["4:2: own is given twice; first at {file}:3:2; expected it once"],
            id="struct twice",
        ),
        pytest.param(
            Full, "f . bad", ["2:5: f: 'bad' is no good; expected better"], id="Config complains about a word"
        ),
        pytest.param(
            Full, "f . x {\n quiet\n ttl 0\n}", ["2:1: f: quiet and ttl 0 exclude each other"], id="Config complains"
        ),
        pytest.param(
            Needy,
            "n {\n rego\n few a b c\n}",
            [
                "2:1: n lacks rego; expected rego REGO… in its block",
                "2:1: n lacks name; expected name and a word in its block",
                "2:1: few has 3 words; expected at most 2",
            ],
            id="options missing",
        ),
        pytest.param(
            Skipping, "cache 30 40 50{", ['2:13: "50{{" is not right for zones; expected {zone}'], id="not skipped"
        ),
        pytest.param(
            Lines,
            "hosts {\n ttl 7 {\n  x\n }\n a {\n }\n}",
            ["3:2: ttl takes no block; expected ttl and a whole number", '6:2: "a" takes no block'],
            id="rest with a block",
        ),
        pytest.param(
            Pairs,
            "p {\n ttt 5\n}",
            ['3:2: "ttt" is not right for left; expected a whole number; did you mean "ttl"?'],
            id="rest near an option",
        ),
        pytest.param(Pairs, "p {\n 13 x\n}", ["3:2: 13 is bad luck"], id="rest complains"),
        pytest.param(Pairs, "p {\n 1\n}", ["3:2: the line lacks RIGHT; expected LEFT RIGHT…"], id="rest too short"),
        pytest.param(BindConfig, "bind", ["2:1: bind lacks ADDRESSES; expected bind ADDRESSES…"], id="bind nothing"),
    ],
)
def test_complaints(tmp_path: Path, config: type[msgspec.Struct], text: str, expected: list[str]) -> None:
    told = bound(tmp_path, config, text)[1]
    file = f"{tmp_path}/Corefile"
    assert told == [line.format(file=file, number=NUMBER, zone=ZONE) for line in expected]


def test_all_complaints_of_a_directive_come_at_once(tmp_path: Path) -> None:
    told = bound(tmp_path, Full, "f a..b {\n ttl x\n wait y\n nope\n limit z\n}")[1]
    assert [line.split(" ")[0] for line in told] == ["2:1:", "2:3:", "3:6:", "4:7:", "5:2:", "6:8:"]


def test_a_type_without_a_rule_is_a_fault_of_the_room(tmp_path: Path) -> None:
    class Odd(msgspec.Struct, frozen=True, kw_only=True):
        pair: tuple[int, int] = (1, 2)

    with pytest.raises(TypeError, match="no rule"):
        bound(tmp_path, Odd, "odd")
