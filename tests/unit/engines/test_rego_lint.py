"""What the linter finds, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.engines.rego.lint import Check, Finding, lint
from dnspolicy.model.errors import PolicyLoadError
from tests.unit.engines.lint_examples import BAD, GOOD, Files
from tests.unit.engines.rego_folders import write

ENTRYPOINT = "data.dnspolicy.decision"


def found(folder: Path, files: Files, large: int = 100) -> list[Finding]:
    return lint([write(folder, files)], ENTRYPOINT, large)


@pytest.mark.parametrize(("check", "files", "says"), BAD.values(), ids=BAD)
def test_what_is_found(check: Check, files: Files, says: str, tmp_path: Path) -> None:
    texts = [str(f.complaint) for f in found(tmp_path, files) if f.check is check]
    assert any(says in text for text in texts), texts


@pytest.mark.parametrize(("check", "files"), GOOD.values(), ids=GOOD)
def test_what_is_left_alone(check: Check, files: Files, tmp_path: Path) -> None:
    assert [str(f.complaint) for f in found(tmp_path, files) if f.check in (check, Check.IGNORE)] == []


def test_every_rule_has_both_examples() -> None:
    assert {check for check, _, _ in BAD.values()} == set(Check) == {check for check, _ in GOOD.values()}


def test_tests_are_not_looked_at(tmp_path: Path) -> None:
    files = {"policy.rego": "decision := 1\n", "a_test.rego": "test_a if input.clent.pod\n"}
    assert {f.check for f in found(tmp_path, files)} == {Check.MISSING_METADATA}


def test_findings_are_in_the_order_of_the_text(tmp_path: Path) -> None:
    files = {"policy.rego": "decision := x if {\n\tinput.client.pod\n\tinput.client.ip\n}\nx := input.clint\n"}
    places = [(f.complaint.line, f.complaint.column) for f in found(tmp_path, files)]
    assert places == sorted(places)
    assert len(places) == 5


@pytest.mark.parametrize("large", [2, 3])
def test_what_counts_as_large(large: int, tmp_path: Path) -> None:
    files = {"policy.rego": "decision := x\nx if some y in data.t\n", "data.json": '{"t": [1, 2, 3]}'}
    checks = [f.check for f in found(tmp_path, files, large)]
    assert (Check.LINEAR_SCAN in checks) is (large < 3)


def test_what_does_not_parse_is_said(tmp_path: Path) -> None:
    with pytest.raises(PolicyLoadError, match=r"policy.rego:3:1"):
        found(tmp_path, {"policy.rego": "decision := 1 if\n"})
