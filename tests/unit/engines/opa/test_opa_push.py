"""`policy push`, to a fake OPA and to a real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dnspolicy.cli.main import main
from dnspolicy.testing.certificates import Authority
from dnspolicy.testing.opa import FakeOpa
from tests.peers.find import find
from tests.unit.engines.opa.control import Control

DECIDES = """package dnspolicy

import data.dnspolicy.lib

decision := {"action": "allow", "rule": "r", "reason": "why"} if lib.known(input.name)
"""
LIBRARY = """package dnspolicy.lib

known(name) if name in data.names
"""
ASKED = b'{"input": {"name": "a.test"}}'


class Target:
    """Where policies are pushed to. `real`: it compiles and decides."""

    def __init__(self, url: str, real: Control | None = None, fake: FakeOpa | None = None) -> None:
        self.url = url
        self.real = real
        self.fake = fake

    def policies(self) -> dict[str, str]:
        if self.fake is not None:
            return self.fake.policies
        assert self.real is not None
        return {p["id"]: p["raw"] for p in json.loads(self.real.ask("GET", "/v1/policies")[1])["result"]}

    def data(self, path: str) -> Any:
        if self.fake is not None:
            found: Any = self.fake.data
            for step in path.split("/"):
                found = found.get(step) if found is not None else None
            return found
        assert self.real is not None
        return json.loads(self.real.ask("GET", f"/v1/data/{path}")[1]).get("result")


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real("opa"))])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    if request.param == "fake":
        with FakeOpa() as fake:
            yield Target(fake.url, fake=fake)
        return
    program = find("opa")
    assert program is not None
    control = Control(program, tmp_path)
    try:
        control.start()
        yield Target(control.url, real=control)
    finally:
        control.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`a.rego` needs `lib/z.rego`, which comes after it; and data, some of it below a package."""
    folder = tmp_path / "policies"
    (folder / "lib").mkdir(parents=True)
    (folder / "a.rego").write_text(DECIDES)
    (folder / "a_test.rego").write_text("package dnspolicy\n\ntest_nothing if true\n")
    (folder / "lib" / "z.rego").write_text(LIBRARY)
    data = {"names": ["a.test"], "big": {"k": [1]}, "dnspolicy": {"conf": {"x": 1}, "n": 5}}
    (folder / "data.json").write_text(json.dumps(data))
    return folder


def push(target: Target, *words: object) -> int:
    return main(["policy", "push", *map(str, words), "--to", target.url])


def test_policies_and_data_arrive_and_a_second_push_changes_nothing(
    target: Target, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(target, folder) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:-1] == [
        "+ dnspolicy/policies/a.rego",
        "+ dnspolicy/policies/lib/z.rego",
        "+ data.names",
        "+ data.big",
        "+ data.dnspolicy.conf",
        "+ data.dnspolicy.n",
    ]
    assert said[-1].endswith(": 6 changed")
    assert target.policies() == {"dnspolicy/policies/a.rego": DECIDES, "dnspolicy/policies/lib/z.rego": LIBRARY}
    assert target.data("names") == ["a.test"]
    assert target.data("dnspolicy/n") == 5
    assert push(target, folder) == 0
    assert capsys.readouterr().out.endswith(": nothing new\n")


def test_what_is_gone_here_goes_there(target: Target, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert push(target, folder) == 0
    capsys.readouterr()
    (folder / "a.rego").unlink()
    (folder / "data.json").write_text('{"names": ["b.test"]}')
    assert push(target, folder) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == [
        "- dnspolicy/policies/a.rego",
        "~ data.names",
        "- data.big",
        "- data.dnspolicy.conf",
        "- data.dnspolicy.n",
    ]
    assert list(target.policies()) == ["dnspolicy/policies/lib/z.rego"]
    assert target.data("big") is None
    assert target.data("names") == ["b.test"]


def test_policies_of_others_stay(target: Target, folder: Path) -> None:
    assert push(target, folder / "lib", "--prefix", "others") == 0
    (folder / "lib" / "z.rego").write_text(LIBRARY.replace("dnspolicy.lib", "dnspolicy.lib2"))
    (folder / "a.rego").unlink()
    assert push(target, folder) == 0
    assert sorted(target.policies()) == ["dnspolicy/policies/lib/z.rego", "others/lib/z.rego"]


def test_a_dry_run_changes_nothing(target: Target, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert push(target, folder, "--dry-run") == 0
    assert capsys.readouterr().out.endswith(": 6 would have to change\n")
    assert target.policies() == {}


def test_a_policy_that_does_not_compile_is_named_and_everything_stays(
    target: Target, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(target, folder) == 0
    before = target.policies()
    (folder / "a.rego").write_text(DECIDES.replace("why", "other"))
    bad = folder / "lib" / "z.rego"
    bad.write_text(LIBRARY + "not rego at all\n")
    (folder / "data.json").write_text("{}")
    capsys.readouterr()
    assert push(target, folder) == 1
    assert capsys.readouterr().err.startswith(f"{bad}:4:")
    assert target.policies() == before
    assert target.data("names") == ["a.test"]
    bad.write_text(LIBRARY)
    assert push(target, folder) == 0
    assert "- data.big" in capsys.readouterr().out, "what was pushed before is still known"


def test_the_revision_of_a_push_is_in_every_decision(target: Target, folder: Path) -> None:
    if target.real is None:
        assert push(target, folder) == 0
        assert target.data("system/bundles/dnspolicy/manifest")["revision"]
        return
    assert push(target, folder) == 0
    reply = json.loads(target.real.ask("POST", "/v1/data/dnspolicy/decision?provenance=true", ASKED)[1])
    assert reply["result"]["action"] == "allow"
    assert reply["provenance"]["bundles"]["dnspolicy"]["revision"]


def test_it_cannot_be_asked(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert push(Target(f"unix://{tmp_path}/s"), folder) == 2
    assert capsys.readouterr().err == f"OPA at unix://{tmp_path}/s: No such file or directory\n"


def test_a_folder_without_policies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert push(Target(f"unix://{tmp_path}/s"), tmp_path / "none") == 1
    assert "no such file or folder" in capsys.readouterr().err


def test_a_token_and_an_authority_of_ones_own(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.client("us")
    token = tmp_path / "token"
    token.write_text("secret\n")
    with FakeOpa(tls=authority.listening("opa")) as fake:
        fake.token = "secret"
        target = Target(fake.url, fake=fake)
        ways = ["--ca", authority.certificate, "--cert", certificate, "--key", key]
        assert push(target, folder, *ways, "--token-file", token) == 0
        assert len(fake.policies) == 2
        assert push(target, folder, *ways) == 1
        assert "status 401" in capsys.readouterr().err
        assert push(target, folder, "--token-file", token) == 2
        assert "certificate verify failed" in capsys.readouterr().err
        assert push(target, folder, "--cert", certificate) == 2
    assert "secret" not in capsys.readouterr().err


def test_an_address_that_is_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        push(Target("ftp://a"), folder)
    assert ended.value.code == 2
    assert "expected http://HOST:PORT" in capsys.readouterr().err
