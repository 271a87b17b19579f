"""`dnspolicy policy new` writes policies that pass everything as they are."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dnspolicy.cli.main import main
from dnspolicy.cli.policy.starters import CONTENTS, Template
from dnspolicy.cli.policy.templates import files
from dnspolicy.engines.rego import load
from dnspolicy.policy.decode import decode
from tests.unit.policies.library import POLICIES, Library, pod, question, service

SHOP = pod("shop")
LISTED = question(SHOP, "chess.games.example", {"kind": "external"})


def made(folder: Path, template: str, name: str = "my-rules") -> Path:
    assert main(["policy", "new", str(folder / name), "--template", template]) == 0
    return folder / name


@pytest.mark.parametrize("template", list(Template))
@pytest.mark.parametrize("name", ["games", "my-own-2-rules"])
def test_it_passes_its_tests_with_every_line_and_the_linter(
    template: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made(tmp_path, template, name)
    assert main(["policy", "test", "--threshold", "100", str(folder)]) == 0
    assert main(["policy", "lint", "--strict", str(folder)]) == 0, capsys.readouterr().out
    load([POLICIES / "lib", folder], isolated=False)


@pytest.mark.parametrize("template", list(Template))
def test_it_decides_with_its_sample(template: Template, tmp_path: Path) -> None:
    folder = made(tmp_path, template, "games")
    table = msgspec.json.decode((folder / "sample" / "data.json").read_bytes())
    library = Library([POLICIES / "lib", folder], table)
    asked = {
        Template.EMPTY: (question(SHOP, "games.example", service("shop")), "block games/example"),
        Template.BLOCK_LIST: (LISTED, "block games/listed"),
        Template.ALLOW_LIST: (LISTED, "block games/not-listed"),
        Template.REWRITE: (question(SHOP, "db.example", {"kind": "external"}), "rewrite games/namespace"),
    }
    found = library.evaluate("data.dnspolicy.decision", asked[template][0])
    assert found is not None
    verdict = decode(found)
    assert f"{verdict.action} {verdict.rule}" == asked[template][1]


def test_the_page_names_every_rule_and_key() -> None:
    for template in Template:
        made = files(template, "games")
        table = msgspec.json.decode(made["sample/data.json"], type=dict[str, dict[str, object]]).get("games", {})
        rules = [line.split('"')[3] for line in made["policy.rego"].splitlines() if line.startswith('\t"rule"')]
        assert rules
        assert [text for text in rules if f"`{text}`" not in made["README.md"]] == []
        assert template is Template.ALLOW_LIST or [k for k in table if f"`{k}`" not in made["README.md"]] == []


def test_every_template_has_its_content() -> None:
    assert set(CONTENTS) == set(Template)


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made(tmp_path, "empty")
    (folder / "policy.rego").write_text("mine")
    assert main(["policy", "new", str(folder)]) == 2
    assert capsys.readouterr().err == f"{folder}: is there already; nothing was written\n"
    assert (folder / "policy.rego").read_text() == "mine"


@pytest.mark.parametrize("name", ["A", "1a", "a_b", "a--b", "a-", "default", "lib", "..", "ä"])
def test_names_that_cannot_be(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "new", str(tmp_path / name)]) == 2
    assert "a policy cannot be called" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
