"""The page for authors knows every rule of the linter, and its examples are examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dnspolicy
from dnspolicy.cli.main import main
from dnspolicy.engines.rego.lint import Check, lint
from dnspolicy.engines.rego.lint.finding import SEVERITIES
from dnspolicy.engines.rego.metadata import Scope, annotations_of
from tests.unit.engines.rego_folders import write

ROOT = Path(dnspolicy.__file__).parent.parent
PAGE = (ROOT / "docs" / "authoring.md").read_text()
LINT = PAGE.partition("\n## Lint\n")[2]
SECTIONS = dict(zip(*[iter(re.split(r"^### (.+)$", LINT, flags=re.MULTILINE)[1:])] * 2, strict=True))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECOND = re.compile(r"^# (\w+_test\.rego)\n", re.MULTILINE)


def examples(name: str) -> list[str]:
    return [text for language, text in FENCE.findall(SECTIONS[name]) if language == "rego"]


def found(folder: Path, text: str) -> set[Check]:
    """What the linter finds in an example, which can hold a second file."""
    policy, *rest = SECOND.split(text)
    files = {"policy.rego": policy, **dict(zip(rest[::2], rest[1::2], strict=True))}
    return {finding.check for finding in lint([write(folder, files)], "data.dnspolicy.decision")}


def test_every_rule_has_its_section() -> None:
    assert list(SECTIONS) == [check.value for check in Check]


@pytest.mark.parametrize("check", list(Check))
def test_a_section_says_how_bad_it_is_and_shows_it(check: Check, tmp_path: Path) -> None:
    assert SECTIONS[check].strip().startswith(f"{SEVERITIES[check].value.capitalize()}. ")
    bad, good = examples(check)
    assert check in found(tmp_path / "bad", bad)
    assert found(tmp_path / "good", good) <= {Check.MISSING_METADATA, Check.MISSING_TEST} - {check}


def test_the_metadata_of_the_page() -> None:
    text = next(text for language, text in FENCE.findall(PAGE) if language == "rego")
    (note,) = annotations_of(text)
    assert (note.scope, note.title, note.custom) == (Scope.PACKAGE, "Games are blocked", {"owner": "the network team"})


def test_the_cost_of_the_page(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = ("policies/lib", "policies/tenant-isolation", "--cluster", "examples/quickstart/cluster")
    assert main(["policy", "cost", *words]) == 0
    shown = next(text for _, text in FENCE.findall(PAGE) if "memory " in text)
    assert shown in capsys.readouterr().out
