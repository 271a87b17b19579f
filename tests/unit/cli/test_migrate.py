"""`dnspolicy migrate firewall`: what it writes, what it says, what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnspolicy.cli.main import main

LIST = """firewall query {
    allow [kubernetes/client-namespace] !~ '^tenant-'
    refuse type == 'TXT' || name =~ 'evil'
    allow [kubernetes/client-label/role] IN ('admin', 'dba')
    drop incidr(client_ip, '192.0.2.0/24')
}
firewall response {
    block incidr(response_ip, '169.254.0.0/16')
    allow rcode != 'NOERROR'
}
"""


def migrate(tmp_path: Path, text: str, *words: str) -> int:
    (tmp_path / "Corefile").write_text(text)
    return main(["migrate", "firewall", str(tmp_path / "Corefile"), *words])


def test_a_policy_with_a_test_for_every_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "made"
    assert migrate(tmp_path, f". {{\n{LIST}}}\n", "-o", str(folder)) == 0
    said = capsys.readouterr().out
    assert said == (
        f"{folder}/policy.rego: 6 rules\n{folder}/policy_test.rego: 8 tests; dnspolicy policy test {folder}\n"
    )
    assert main(["policy", "test", str(folder)]) == 0
    assert capsys.readouterr().out == "PASS: 8/8\n"


def test_what_is_written_has_nothing_to_complain_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "made"
    text = LIST.replace("incidr(client_ip, '192.0.2.0/24')", "[kubernetes/kind] == 'pod'\n    block true")
    assert migrate(tmp_path, f". {{\n{text}}}\n", "-o", str(folder)) == 0
    assert main(["policy", "lint", str(folder)]) == 0, capsys.readouterr().out


@pytest.mark.real("opa")
def test_open_policy_agent_takes_what_is_written(tmp_path: Path) -> None:
    import subprocess

    from tests.peers.find import find

    folder = tmp_path / "made"
    assert migrate(tmp_path, f". {{\n{LIST}}}\n", "-o", str(folder)) == 0
    for words in (("test",), ("check", "--strict"), ("fmt", "--fail", "--list")):
        done = subprocess.run([str(find("opa")), *words, str(folder)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_without_a_folder_the_policy_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert migrate(tmp_path, f". {{\n{LIST}}}\n") == 0
    assert "package dnspolicy\n" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["Corefile"]


def test_a_rule_that_nothing_gets_to_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    text = ". {\nfirewall query {\n block true\n allow name == 'a.example.'\n }\n}\n"
    assert migrate(tmp_path, text, "-o", str(folder)) == 0
    assert "# No question was found that firewall/query/2 decides" in (folder / "policy_test.rego").read_text()


def test_one_block_of_several(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "".join(
        f"{zone} {{\nfirewall query {{\n allow name =~ '{zone}'\n }}\n}}\n" for zone in ("a.example", "b.example")
    )
    assert migrate(tmp_path, text) == 2
    assert "choose with --zone: a.example., b.example." in capsys.readouterr().err
    assert migrate(tmp_path, text, "--zone", "b.example") == 0
    assert "b.example" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("inside", "words", "why"),
    [
        pytest.param("errors", [], "no firewall block", id="no block"),
        pytest.param(LIST, ["--zone", "x"], "no firewall block for x", id="no such zone"),
        pytest.param("firewall query {\n allow random() < 0.5\n }", [], "query 1: random", id="random"),
        pytest.param(
            "opa e {\n endpoint http://127.0.0.1/x\n }\nfirewall query {\n opa e\n }", [], "query 1", id="opa"
        ),
        pytest.param("firewall query {\n allow nosuch\n }", [], "Corefile:3:8: firewall: rule 1", id="bad rule"),
    ],
)
def test_what_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], inside: str, words: list[str], why: str
) -> None:
    assert migrate(tmp_path, f". {{\n{inside}\n}}\n", *words) == 2
    assert why in capsys.readouterr().err


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert migrate(tmp_path, f". {{\n{LIST}}}\n", "-o", str(tmp_path)) == 2
    assert "File exists" in capsys.readouterr().err
