"""Bundles of the real OPA are understood here, and ours are there."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from dnspolicy.bundle import Algorithm, Trust, verification_key
from dnspolicy.bundle.digest import digest
from dnspolicy.cli.main import main
from dnspolicy.engines.rego.opening import read_yaml
from dnspolicy.policy.settings.bundle import BundleKey
from tests.peers.find import find
from tests.unit.app.bundle_rig import line, running
from tests.unit.bundle.archives import SECRET, opened, private_pem, public_pem

HERE = Path(__file__).parent / "opa"
POLICY = 'package dnspolicy\n\ndecision := {"action": "allow", "rule": "r", "reason": data.site.name}\n'
DATA = '{"name": "here", "odd": [1.0, 1e3, 12345678901234567890, "é\\u2028<&>\\u0007", {"z": null, "Z": {}}]}'
KEYS: dict[str, Any] = {
    "HS256": SECRET,
    "RS256": rsa.generate_private_key(65537, 2048),
    "PS384": rsa.generate_private_key(65537, 2048),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
}


def trust(**options: Any) -> Trust:
    return Trust((verification_key("public.pem", (HERE / "public.pem").read_bytes()),), **options)


@pytest.mark.parametrize("name", ["signed", "yaml"])
def test_what_opa_signed_is_believed(name: str) -> None:
    """`signed` was made by `opa build`, `yaml` by `opa sign` and tar."""
    bundle = opened((HERE / f"{name}.tar.gz").read_bytes(), trust())
    assert bundle.manifest.owned == ("dnspolicy", "dnspolicy_test", "site")
    assert not any(file.path.endswith("_test.rego") for file in bundle.files)


def test_what_opa_built_decides() -> None:
    async def story() -> None:
        key = BundleKey(str(HERE / "public.pem"))
        async with running(line(HERE / "signed.tar.gz", key=(key,))) as rig:
            assert await rig.reason() == "built by opa"
            assert "revision 2026-11, signed with " in rig.supply.announcement()

    asyncio.run(story())


class Case:
    """A folder to bundle, and keys of one kind, as files."""

    def __init__(self, folder: Path, algorithm: str) -> None:
        self.source = folder / "source"
        (self.source / "site").mkdir(parents=True)
        (self.source / "p.rego").write_text(POLICY)
        (self.source / "p_test.rego").write_text("package dnspolicy_test\n\ntest_nothing if true\n")
        (self.source / "site" / "data.json").write_text(DATA)
        self.algorithm = algorithm
        key = KEYS[algorithm]
        self.private, self.public, self.made = folder / "private", folder / "public", folder / "made.tar.gz"
        self.private.write_bytes(key if isinstance(key, bytes) else private_pem(key))
        self.public.write_bytes(key if isinstance(key, bytes) else public_pem(key))

    async def decides(self, scope: str = "") -> str:
        key = BundleKey(str(self.public), Algorithm(self.algorithm))
        async with running(line(self.made, key=(key,), scope=scope)) as rig:
            return await rig.reason()


@pytest.fixture(params=list(KEYS))
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return Case(tmp_path, request.param)


def ours(case: Case) -> int:
    words = ["policy", "bundle", str(case.source), "-o", str(case.made), "-r", "7", "--keyid", "mine"]
    return main([*words, "--signing-key", str(case.private), "--signing-alg", case.algorithm])


def opa(*words: str | Path) -> subprocess.CompletedProcess[str]:
    program = find("opa")
    assert program is not None
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=60, check=False)


def test_what_is_made_here_decides_here(case: Case) -> None:
    assert ours(case) == 0
    assert asyncio.run(case.decides()) == "here"


@pytest.mark.real("opa")
def test_what_opa_makes_decides_here(case: Case) -> None:
    made = opa(
        "build", "-b", case.source, "-o", case.made, "--signing-key", case.private, "--signing-alg", case.algorithm
    )
    assert made.returncode == 0, made.stderr
    assert asyncio.run(case.decides()) == "here"


@pytest.mark.real("opa")
def test_what_is_made_here_is_believed_by_opa(case: Case, tmp_path: Path) -> None:
    """`opa build` of a signed bundle checks it first; by secret it takes the text, by key the file."""
    assert ours(case) == 0
    assert json.loads(opa("eval", "-b", case.made, "data.dnspolicy.decision.reason", "-f", "json").stdout)["result"]
    key = case.public.read_text() if case.algorithm == "HS256" else str(case.public)
    signing = case.private.read_text() if case.algorithm == "HS256" else str(case.private)
    checked = ["build", "-b", str(case.made), "-o", str(tmp_path / "again.tar.gz"), "--verification-key-id", "mine"]
    signs = ["--signing-key", signing, "--signing-alg", case.algorithm]
    assert (good := opa(*checked, "--verification-key", key, *signs)).returncode == 0, good.stderr
    wrong = opa(*checked, "--verification-key", key, "--scope", "another", *signs)
    assert "scope mismatch" in wrong.stdout
    inspected = json.loads(opa("inspect", case.made, "-f", "json").stdout)
    assert inspected["manifest"]["revision"] == "7"
    assert inspected["namespaces"]["data.dnspolicy"] == ["/p.rego"]


def a_value(of: random.Random, depth: int = 0) -> Any:
    """Something that JSON can say, with the characters and numbers that writers disagree about."""
    kind = of.randrange(8 if depth < 4 else 6)
    if kind == 0:
        return of.choice([True, False, None, -0.0, 1e22, 1e-7])
    if kind == 1:
        return of.randrange(-(10**24), 10 ** of.randrange(1, 25))
    if kind == 2:
        return of.random() * 10 ** of.randrange(-30, 30)
    if kind < 6:
        begins = [of.choice((0, 0x80, 0x2020, 0x1F300)) for _ in range(of.randrange(6))]
        return "".join(chr(begin + of.randrange(0x70)) for begin in begins)
    values = [a_value(of, depth + 1) for _ in range(of.randrange(4))]
    return values if kind == 6 else {f"{a_value(of, 9)}"[:6]: value for value in values}


@pytest.mark.real("opa")
def test_opa_and_we_sign_the_same_of_any_data(tmp_path: Path) -> None:
    of = random.Random(7)
    for number in range(300):
        path = tmp_path / "source" / f"d{number}" / "data.json"
        path.parent.mkdir(parents=True)
        escapes, indent = of.random() < 0.5, of.choice([None, 2])
        path.write_text(json.dumps({"v": [a_value(of) for _ in range(5)]}, ensure_ascii=escapes, indent=indent))
    done = opa("sign", "-b", tmp_path / "source", "--signing-key", "x" * 40, "--signing-alg", "HS256", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    token = json.loads((tmp_path / ".signatures.json").read_text())["signatures"][0]
    files = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["files"]
    assert len(files) == 300
    for file in files:
        place = "/".join(file["name"].split("/")[-2:])
        raw = (tmp_path / "source" / place).read_bytes()
        assert digest(place, raw, "SHA-256", read_yaml) == file["hash"], raw
