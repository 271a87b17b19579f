"""The real Open Policy Agent on the policies that come with the server, and on what the tools for authors write."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from dnspolicy.cli.main import main
from dnspolicy.cli.policy.layout import whitespace
from dnspolicy.cli.policy.starters import Template
from dnspolicy.engines.rego.metadata import broken
from tests.peers.find import find
from tests.unit.policies.library import NAMES, POLICIES, QUICKSTART, ROOT

pytestmark = pytest.mark.real("opa")

PATIENCE = 120
SCHEMA = ROOT / "docs" / "schema"
LIBRARY = sorted({path.parent for path in POLICIES.glob("*/*.rego")})
DEMO = [*(POLICIES / name for name in ("lib", *NAMES)), QUICKSTART]
READ = re.compile(r"\binput\.(?=(?:client|query|target|answer)\b)")
_COMMENT = re.compile(r"#.*")
CHECK = ("check", "--strict", "--schema", str(SCHEMA))
FMT = ("fmt", "--fail", "--list", "--diff")
MISSPELT = """package dnspolicy.site

# METADATA
# scope: rule
# schemas:
#   - input: schema.input
free if input.client.namspace == "shop"
"""


def opa(*words: object) -> tuple[int, str]:
    """Exit code and all that was said."""
    program = find("opa")
    assert program is not None
    done = subprocess.run(
        [program, *map(str, words)], capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=ROOT
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("words", [CHECK, FMT], ids=lambda words: str(words[0]))
@pytest.mark.parametrize("folders", [LIBRARY, DEMO], ids=["library", "demo"])
def test_the_library(words: tuple[str, ...], folders: list[Path]) -> None:
    code, said = opa(*words, *folders)
    assert code == 0, said


@pytest.mark.parametrize("folders", [*([POLICIES / "lib", one] for one in LIBRARY), DEMO], ids=lambda f: f[-1].name)
def test_its_tests(folders: list[Path]) -> None:
    code, said = opa("test", *dict.fromkeys(folders))
    assert code == 0, said


def misspelt(folder: Path) -> dict[str, str]:
    """The rules of a folder with every part of the input misspelt."""
    texts = {file.name: file.read_text() for file in folder.glob("*.rego") if not file.name.endswith("_test.rego")}
    return {name: READ.sub("input.my_", text) for name, text in texts.items() if READ.search(_COMMENT.sub("", text))}


@pytest.mark.parametrize(
    ("folder", "name", "text"),
    [(folder, *item) for folder in [*LIBRARY, QUICKSTART] for item in misspelt(folder).items()],
    ids=lambda value: value.name if isinstance(value, Path) else str(value)[:30],
)
def test_a_misspelt_key_is_found_in_each_file(folder: Path, name: str, text: str, tmp_path: Path) -> None:
    """So that a package which forgets to name the schema is not passed over."""
    (tmp_path / name).write_text(text)
    code, said = opa(*CHECK[:1], *CHECK[2:], tmp_path, *(file for file in folder.glob("*.rego") if file.name != name),
                     *(other for other in LIBRARY if other != folder))  # fmt: skip
    assert code != 0
    assert "undefined ref: input.my_" in said


def test_a_schema_named_by_one_rule(tmp_path: Path) -> None:
    (tmp_path / "site.rego").write_text(MISSPELT)
    code, said = opa(*CHECK, tmp_path)
    assert code != 0
    assert "undefined ref: input.client.namspace" in said
    assert main(["policy", "lint", str(tmp_path)]) == 2


@pytest.mark.parametrize("words", [("test",), CHECK, FMT], ids=lambda words: str(words[0]))
@pytest.mark.parametrize("template", list(Template))
@pytest.mark.parametrize("name", ["games", "a-rather-long-name-of-a-policy"])
def test_what_policy_new_writes(words: tuple[str, ...], template: str, name: str, tmp_path: Path) -> None:
    assert main(["policy", "new", str(tmp_path / name), "--template", template]) == 0
    code, said = opa(*words, tmp_path / name, POLICIES / "lib")
    assert code == 0, said


def test_policy_fmt_is_opa_fmt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPA", str(find("opa")))
    assert main(["policy", "fmt", "--check", str(POLICIES)]) == 0
    ugly = tmp_path / "ugly.rego"
    ugly.write_text('package a\nx := {"a":1,\n"b":2} if {input.y}\n')
    assert main(["policy", "fmt", "--write", str(ugly)]) == 0
    assert ugly.read_text() == opa("fmt", ugly)[1]
    ugly.write_text("package a\nx :=\n")
    assert main(["policy", "fmt", str(ugly)]) == 1
    assert f"{ugly}:" in capsys.readouterr().err


@pytest.mark.parametrize("file", sorted(POLICIES.rglob("*.rego")), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_opa_formatted_is_left_alone(file: Path) -> None:
    assert whitespace(file.read_text()) == file.read_text()


def test_white_space_alone_is_what_opa_makes_of_it(tmp_path: Path) -> None:
    file = tmp_path / "p.rego"
    file.write_text("package a\n\n\n\n# why\nx := 1 if {\n    some y in input.z  \n\n\n    y == `a  \n b`\n}\n\n")
    assert whitespace(file.read_text()) == opa("fmt", file)[1]


def test_benchmarks_have_the_same_shape(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("test", "--bench", "--run", "test_same_label", "--format", "json", str(POLICIES / "lib"))
    (theirs,) = json.loads(opa(*words)[1])
    assert main(["policy", *words, "--seconds", "0.01"]) == 0
    (ours,) = json.loads(capsys.readouterr().out)
    assert sorted(ours) == sorted(theirs)
    assert sorted(ours["benchmark_result"]) == sorted(theirs["benchmark_result"])
    assert sorted(ours["benchmark_result"]["Extra"]) == sorted(theirs["benchmark_result"]["Extra"])


def test_benchmarks_for_benchstat(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("test", "--bench", "--run", "test_same_label", "--format", "gobench", str(POLICIES / "lib"))
    theirs = opa(*words)[1].partition("\t")[0]
    assert main(["policy", *words, "--seconds", "0.01"]) == 0
    assert capsys.readouterr().out.partition("\t")[0] == theirs


@pytest.mark.parametrize(
    ("note", "good"),
    [
        ("# title: one", True),
        ("# title: one: two", False),
        ("#  - a\n# b: c", False),
        ("# just words", False),
        ("# title: 'one: two'\n# custom:\n#   owner: us", True),
    ],
)
def test_metadata_that_opa_refuses_are_broken(note: str, good: bool, tmp_path: Path) -> None:
    text = f"# METADATA\n{note}\npackage a\n\nx := 1\n"
    (tmp_path / "a.rego").write_text(text)
    assert (opa("check", tmp_path)[0] == 0) is good
    assert (broken(text) == ()) is good
