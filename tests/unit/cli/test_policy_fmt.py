"""`dnspolicy policy fmt`, with an `opa` and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.cli.main import main
from dnspolicy.cli.policy.layout import whitespace

UGLY = "package a\n\n\n\nx := 1 if {\n    input.a  \n}\n\n"
PRETTY = "package a\n\nx := 1 if {\n\tinput.a\n}\n"
FAKE = """#!/bin/sh
[ "$1" = version ] && { echo "Version: %s"; exit; }
[ "$1" = fmt ] || exit 9
text=$(cat)
case $text in *broken*) echo "1 error occurred: stdin:2: rego_parse_error: bad" >&2; exit 2;; esac
echo "# by opa"
echo "$text" | sed '/^# by opa$/d'
"""
"""Puts a line first."""


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OPA", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")


def fake(folder: Path, version: str = "1.20.2") -> Path:
    path = folder / "opa"
    path.write_text(FAKE % version)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        pytest.param(UGLY, PRETTY, id="all of it"),
        pytest.param(PRETTY, PRETTY, id="nothing to do"),
        pytest.param("package a\r\n\r\nx := 1\r\n", "package a\n\nx := 1\n", id="other ends of lines"),
        pytest.param("x if {\n  a\n  b if {\n    c\n  }\n}", "x if {\n\ta\n\tb if {\n\t\tc\n\t}\n}\n", id="two spaces"),
        pytest.param("x if {\n        a\n}\n", "x if {\n\ta\n}\n", id="eight spaces"),
        pytest.param("x if {\n   a\n     b\n}\n", "x if {\n   a\n     b\n}\n", id="who knows"),
        pytest.param(
            "x := `  a  \n\n\n  b  \n` \n\n\ny := 1", "x := `  a  \n\n\n  b  \n`\n\ny := 1\n", id="raw string"
        ),
        pytest.param('x := "`"  \n\n\ny := 1', 'x := "`"\n\ny := 1\n', id="quote in a text"),
        pytest.param("# it's `here  \n\n\ny := 1", "# it's `here\n\ny := 1\n", id="quote in a comment"),
        pytest.param("\n\n\n", "", id="nothing at all"),
    ],
)
def test_white_space(text: str, formatted: str) -> None:
    assert whitespace(text) == formatted
    assert whitespace(formatted) == formatted


def test_without_opa_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.rego").write_text(UGLY)
    assert main(["policy", "fmt", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert out == PRETTY
    assert err.startswith("opa is not here, so only white space is looked at")


@pytest.mark.parametrize("where", ["OPA", "PATH"])
def test_opa_does_it(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fake(tmp_path)
    monkeypatch.setenv(where, str(path) if where == "OPA" else f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "a.rego").write_text(PRETTY)
    assert main(["policy", "fmt", str(tmp_path / "a.rego")]) == 0
    assert capsys.readouterr() == ("# by opa\n" + PRETTY, "")


@pytest.mark.parametrize(
    ("text", "code", "out"),
    [(UGLY, 2, "{file}\n"), (PRETTY, 0, "")],
    ids=["ugly", "pretty"],
)
def test_check(text: str, code: int, out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.rego"
    file.write_text(text)
    assert main(["policy", "fmt", "--check", str(tmp_path)]) == code
    assert capsys.readouterr().out == out.format(file=file)
    assert file.read_text() == text


def test_diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.rego").write_text("package a\nx := 1  ")
    assert main(["policy", "fmt", "--diff", str(tmp_path)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[3:] == [" package a", "-x := 1  ", "\\ no newline at the end", "+x := 1"]


def test_write_touches_only_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ugly, pretty = tmp_path / "ugly.rego", tmp_path / "pretty.rego"
    ugly.write_text(UGLY)
    ugly.chmod(0o640)
    pretty.write_text(PRETTY)
    before = pretty.stat().st_mtime_ns
    assert main(["policy", "fmt", "--write", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{ugly}\n"
    assert (ugly.read_text(), ugly.stat().st_mode & 0o777) == (PRETTY, 0o640)
    assert pretty.stat().st_mtime_ns == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pretty.rego", "ugly.rego"]


def test_what_opa_cannot_parse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPA", str(fake(tmp_path)))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    file = tmp_path / "a.rego"
    file.write_text("package a\nbroken\n")
    assert main(["policy", "fmt", "--write", str(file)]) == 1
    assert capsys.readouterr().err == f"{file}: 1 error occurred: {file}:2: rego_parse_error: bad\n"
    assert file.read_text() == "package a\nbroken\n"


@pytest.mark.parametrize(
    ("name", "says"),
    [("nothing", "no such program"), ("old", "not an opa of version 1 or later")],
)
def test_an_opa_that_was_named_must_be_one(
    name: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fake(tmp_path, "0.70.0")
    monkeypatch.setenv("OPA", str(old) if name == "old" else "/nowhere/opa")
    assert main(["policy", "fmt", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


def test_files_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.rego").write_bytes(b"package a\n# \xff\n")
    assert main(["policy", "fmt", "--check", str(tmp_path / "a.rego"), str(tmp_path / "b.rego")]) == 1
    err = capsys.readouterr().err
    assert f"{tmp_path}/b.rego: No such file or directory" in err
    assert f"{tmp_path}/a.rego: not UTF-8, in line 2\n" in err
