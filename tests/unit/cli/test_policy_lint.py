"""`dnspolicy policy lint`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dnspolicy.cli.main import main
from dnspolicy.engines.rego.lint import Severity, lint
from tests.unit.engines.rego_folders import ALLOW, write
from tests.unit.policies.library import POLICIES, QUICKSTART

NOTE = {"policy.rego": f"decision := {ALLOW}\n"}
WARNING = {"policy.rego": f"decision := {ALLOW} if input.client.pod\n"}
ERROR = {"policy.rego": f"decision := {ALLOW} if {{\n\tinput.client.namspace\n}}\n"}
WRONG = {"policy.rego": "decision :=\n"}


@pytest.mark.parametrize(
    ("files", "strict", "code"),
    [
        pytest.param(NOTE, False, 0, id="note"),
        pytest.param(NOTE, True, 2, id="note, strict"),
        pytest.param(WARNING, False, 2, id="warning"),
        pytest.param(ERROR, False, 2, id="error"),
        pytest.param(WRONG, False, 1, id="not Rego"),
        pytest.param({}, False, 1, id="nothing there"),
    ],
)
def test_exit_codes(files: dict[str, str], strict: bool, code: int, tmp_path: Path) -> None:
    assert main(["policy", "lint", *(["--strict"] if strict else []), str(write(tmp_path, files))]) == code


def test_what_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["policy", "lint", str(write(tmp_path, ERROR))])
    out = capsys.readouterr().out
    shown = "error unknown-input: input.client has no namspace: it is always undefined; did you mean namespace?"
    assert f"{tmp_path}/policy.rego:3:2: {shown}\n    | \tinput.client.namspace\n    | \t^\n" in out
    assert out.endswith("\n1 error, 0 warnings, 2 notes\n")


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["policy", "lint", "--format", "json", str(write(tmp_path, WARNING))])
    (row,) = (row for row in json.loads(capsys.readouterr().out) if row["severity"] == "warning")
    assert row["message"] == "input.client.pod is read: every pod is a class of its own"
    assert row["remedy"]
    assert (row["file"], row["line"], row["column"]) == (f"{tmp_path}/policy.rego", 2, 66)
    assert row["rule"] == "class-per-client"


def test_another_entrypoint_and_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        "policy.rego": 'package site\nverdict := {"action": "allow"} if some x in data.t\n',
        "data.json": '{"t": [1, 2]}',
    }
    main(["policy", "lint", "--entrypoint", "data.site.verdict", "--large", "1", str(write(tmp_path, files))])
    out = capsys.readouterr().out
    assert "bad-decision: the decision has no rule" in out
    assert "linear-scan: all 2 entries of data.t are gone through" in out


@pytest.mark.parametrize("folder", [*sorted(POLICIES.glob("*/")), QUICKSTART], ids=lambda folder: folder.name)
def test_the_policies_that_come_along_have_no_errors(folder: Path) -> None:
    if not any(folder.glob("*.rego")):
        return
    found = lint(list(dict.fromkeys([POLICIES / "lib", folder])), "data.dnspolicy.decision")
    assert [str(f.complaint) for f in found if f.severity is Severity.ERROR] == []
