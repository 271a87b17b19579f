from __future__ import annotations

import pytest

from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.model.answer import Answer, Drop
from dnspolicy.plugins.header import Config, Header
from tests.unit.through import answered, query, through


def config(lines: str, tmp_path) -> tuple[Config | None, str]:
    path = tmp_path / "Corefile"
    path.write_text(". {\n header {\n" + "\n".join(f"  {line}" for line in lines.split(";")) + "\n }\n}\n")
    complaints = Complaints()
    made = bind(load(path, {}).blocks[0].directives[0], Config, complaints)
    return made, str(complaints)


@pytest.mark.parametrize(
    ("lines", "rd", "flags"),
    [
        pytest.param("response set ra", True, "aa ra -", id="set one"),
        pytest.param("response set ra aa; response clear rd", True, "aa ra !rd", id="set two, clear one"),
        pytest.param("response clear aa", True, "- - -", id="clear"),
        pytest.param("response set ra; response clear ra", True, "aa - -", id="the last one counts"),
        pytest.param("response SET RA", True, "aa ra -", id="capital letters"),
        pytest.param("query clear rd", False, "aa - !rd", id="a changed query shows in the reply"),
        pytest.param("query set rd; response clear rd", True, "aa - !rd", id="the reply has the last word"),
        pytest.param("query set aa ra", True, "aa - -", id="flags a query does not have"),
    ],
)
def test_flags(lines: str, rd: bool, flags: str, tmp_path) -> None:
    made, complaints = config(lines, tmp_path)
    assert made is not None, complaints
    reply, seen = through(Header(made), query("a.test"), Answer(aa=True))
    found = answered(reply)
    said = ("aa" if found.aa else "-", "ra" if found.ra else "-", {None: "-", True: "rd", False: "!rd"}[found.rd])
    assert (seen[0].rd, " ".join(said)) == (rd, flags)


def test_what_is_right_already_and_transfers_pass_as_they_are(tmp_path) -> None:
    made, _ = config("response set ra; response clear aa", tmp_path)
    for below in (Answer(ra=True), Drop("x"), Answer(aa=True, transfer=True)):
        assert through(Header(made), query("a.test"), below)[0] is below


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        pytest.param("", "write at least one line such as `response set ra`", id="nothing"),
        pytest.param("response set tc", '"tc" is not right for flags; expected one of aa, ra, rd', id="flag"),
        pytest.param("response flip ra", '"flip" is not right for action; expected one of set, clear', id="action"),
        pytest.param("set ra", 'unknown option "set" of header', id="the form of old versions"),
        pytest.param("response set", "lacks FLAGS", id="no flag"),
    ],
)
def test_complaints(lines: str, wrong: str, tmp_path) -> None:
    made, complaints = config(lines, tmp_path)
    assert made is None
    assert wrong in complaints
