"""Two policies, one cluster, the same questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import dnspolicy
from dnspolicy.cli.main import main

ROOT = Path(dnspolicy.__file__).parent.parent
CLUSTER = str(ROOT / "examples" / "quickstart" / "cluster")
WITH = ("--with", str(ROOT / "policies" / "lib"), str(ROOT / "policies" / "tenant-isolation"))
POD = "acorn-prod/web-x2x7k"
MORE = """
package dnspolicy

candidates contains candidate if {
	input.query.name == "old.example"
	candidate := {"tier": "admin", "action": "block", "rule": "site/old", "reason": "retired"}
}
"""


@pytest.fixture
def sides(tmp_path: Path) -> tuple[str, str]:
    """Two sites that differ in one rule."""
    for name, text in (("a", "package site\n"), ("b", MORE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "site.rego").write_text(text)
    return str(tmp_path / "a"), str(tmp_path / "b")


def diff(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = main(["policy", "diff", *words, "-f", "json"])
    return code, json.loads(capsys.readouterr().out or "{}")


def test_questions_from_a_file(sides: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text(f"# one that differs, one that does not\n{POD} old.example AAAA\n\n{POD} www.example\n")
    code, found = diff(capsys, *sides, *WITH, "--cluster", CLUSTER, str(questions))
    assert code == 1
    assert found["questions"] == 2
    (only,) = found["differences"]
    assert [only[key] for key in ("client", "name", "type", "rule_b")] == [
        POD,
        "old.example",
        "AAAA",
        "site/old",
    ]


def test_all_pods_and_all_services(sides: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, found = diff(capsys, *sides, *WITH, "--cluster", CLUSTER, "--all")
    assert (code, found["differences"]) == (0, [])
    assert found["questions"] > 4
    code, found = diff(capsys, sides[0], str(ROOT / "policies" / "blocklist"), *WITH[:2], "--cluster", CLUSTER, "--all")
    assert (code, found["differences"]) == (0, [])  # both say nothing


def test_a_corefile_names_the_cluster(sides: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    corefile = str(ROOT / "examples" / "quickstart" / "Corefile")
    isolated = str(ROOT / "policies" / "tenant-isolation")
    words = (sides[0], isolated, *WITH[:2], "--conf", corefile, "--all")
    code, found = diff(capsys, *words)
    assert code == 1
    assert {difference["change"] for difference in found["differences"]} == {"BLOCK→ALLOW"}
    assert diff(capsys, *words, "--fail-on", "closed")[0] == 0
    assert diff(capsys, *words, "--fail-on", "opened")[0] == 1


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--all",), id="no cluster"),
        pytest.param(("--cluster", CLUSTER, "--all", "--most", "1"), id="too many"),
        pytest.param(("--cluster", CLUSTER, "no-such-file"), id="no file"),
        pytest.param(("--cluster", "/nowhere", "--all"), id="no folder"),
    ],
)
def test_what_cannot_be_done_is_exit_code_2(words: tuple[str, ...], sides: tuple[str, str]) -> None:
    assert main(["policy", "diff", *sides, *WITH, *words]) == 2


def test_questions_have_to_be_given(sides: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        main(["policy", "diff", *sides, *WITH, "--cluster", CLUSTER])


@pytest.mark.parametrize(
    "line", ["one", "a/b www.example", "nobody www.example", "192.0.2.1 www.example NOTYPE", "a b c d"]
)
def test_a_question_that_cannot_be_asked_is_exit_code_2(line: str, sides: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "questions").write_text(line)
    assert main(["policy", "diff", *sides, *WITH, "--cluster", CLUSTER, str(tmp_path / "questions")]) == 2


def test_a_policy_that_does_not_load_is_exit_code_2(sides: tuple[str, str]) -> None:
    assert main(["policy", "diff", sides[0], "/nowhere", *WITH, "--cluster", CLUSTER, "--all"]) == 2


def test_policies_that_fail_are_not_alike(
    sides: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'package dnspolicy\n\ndecision := {"action": "allow", "rule": "x", "reason": "x", "ttl": -1}\n'
    for side in sides:
        (Path(side) / "site.rego").write_text(text)
    questions = tmp_path / "questions.txt"
    questions.write_text(f"{POD} www.example\n")
    code, found = diff(capsys, *sides, "--cluster", CLUSTER, str(questions), "--fail-on", "opened")
    assert (code, [only["change"] for only in found["differences"]]) == (2, ["FAILURE→FAILURE"])


def test_too_many_questions_are_not_cut(
    sides: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dnspolicy.cli.policy.diff.MOST", 2)
    questions = tmp_path / "questions.txt"
    questions.write_text(f"{POD} www.example\n" * 3)
    assert main(["policy", "diff", *sides, *WITH, "--cluster", CLUSTER, str(questions)]) == 2
    assert "more than 2 lines" in capsys.readouterr().err
