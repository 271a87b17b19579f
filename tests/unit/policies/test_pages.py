"""The Rego and the JSON on the pages are what they seem."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from dnspolicy.engines.rego import load
from dnspolicy.policy.decode import decode
from dnspolicy.policy.document import InputDocument
from tests.unit.policies.library import NAMES, POLICIES, QUICKSTART, ROOT, Library

README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "policy-reference.md"
PAGES = [README, REFERENCE, *sorted(POLICIES.rglob("README.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("page", "text"),
    [(page, text) for page in PAGES for text in blocks(page, "rego") if "_test\n" not in text],
    ids=lambda value: str(value.relative_to(ROOT)) if isinstance(value, Path) else "",
)
def test_rules_on_the_pages_are_accepted(page: Path, text: str, tmp_path: Path) -> None:
    (tmp_path / "page.rego").write_text(text if text.startswith("package ") else f"package page\n{text}")
    beside = [POLICIES / "lib"] if "candidates contains" in text or text.startswith("package dnspolicy.steps") else []
    entrypoint = "data.page" if text.find("package ") else "data.dnspolicy.decision"
    load([*beside, tmp_path], entrypoint, isolated=False)


@pytest.mark.parametrize("text", [t for t in blocks(REFERENCE, "json") if '"action"' in t])
def test_decisions_of_the_reference_are_decisions(text: str) -> None:
    decode(text)


def test_the_input_of_the_reference_is_an_input() -> None:
    (text,) = (t for t in blocks(REFERENCE, "json") if '"version"' in t)
    msgspec.json.decode(text, type=InputDocument)


def test_the_rule_of_the_tour_passes_its_own_test(tmp_path: Path) -> None:
    rule, test = blocks(README, "rego")
    (tmp_path / "games.rego").write_text(rule)
    (tmp_path / "games_test.rego").write_text(test)
    library = Library([POLICIES / "lib", *(POLICIES / name for name in NAMES), QUICKSTART, tmp_path], {})
    found = re.findall(r"^(test_\w+)", test, re.MULTILINE)
    assert len(found) == 2
    assert [name for name in found if library.evaluate(f"data.shopping_test.{name}", {}) != "true"] == []
