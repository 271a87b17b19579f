"""`dnspolicy policy bundle`: what it makes, what it says, what it refuses."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from dnspolicy.cli.main import main
from tests.unit.bundle.archives import ALLOW, P256, RSA, SECRET, manifest, opened, packed, private_pem, public_pem

OUTSIDE = b"package other\n\nx := 1\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "site").mkdir(parents=True)
    (folder / "p.rego").write_bytes(ALLOW)
    (folder / "p_test.rego").write_text("package dnspolicy_test\n\ntest_nothing if true\n")
    (folder / "site" / "data.yaml").write_text("b: 1.0\na: yes\n")
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return tmp_path / "made.tar.gz"


def bundle(*words: str | Path) -> int:
    return main(["policy", "bundle", *map(str, words)])


def test_a_folder_becomes_a_bundle(source: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle(source, "-o", made, "-r", "7", "--root", "dnspolicy", "--root", "site") == 0
    assert capsys.readouterr().out == f"{made}: 1 policies, 27 bytes of data\n"
    found = opened(made.read_bytes())
    data = b'{"site":{"a":true,"b":1.0}}'
    assert {file.path: file.raw for file in found.files} == {"data.json": data, "p.rego": ALLOW}
    assert found.manifest.revision == "7"
    assert found.manifest.owned == ("dnspolicy", "site")
    assert found.manifest.rego_version == 1


def test_the_same_folder_makes_the_same_bytes(source: Path, made: Path) -> None:
    assert bundle(source, "-o", made) == 0
    before = made.read_bytes()
    (source / "p.rego").touch()
    assert bundle(source, "-o", made) == 0
    assert made.read_bytes() == before


def test_several_folders_keep_their_names(source: Path, tmp_path: Path, made: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "p.rego").write_bytes(OUTSIDE)
    assert bundle(source, other, "--tests", "-o", made) == 0
    files = [file.path for file in opened(made.read_bytes()).files]
    assert files == ["data.json", "other/p.rego", "source/p.rego"]
    assert b"source/p_test.rego" in gzip.decompress(made.read_bytes())


def test_data_alone_is_a_bundle_too(tmp_path: Path, made: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "data.json").write_text('{"a": 1}')
    assert bundle(tmp_path / "data", "-o", made) == 0
    assert [file.path for file in opened(made.read_bytes()).files] == ["data.json"]


@pytest.mark.parametrize("algorithm", ["", "PS256", "ES256", "HS256"])
def test_a_signed_bundle_is_listed_with_its_key(
    source: Path, made: Path, tmp_path: Path, algorithm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    key = {"ES256": P256, "HS256": SECRET}.get(algorithm, RSA)
    private, public = tmp_path / "private", tmp_path / "public"
    private.write_bytes(key if isinstance(key, bytes) else private_pem(key))
    public.write_bytes(key if isinstance(key, bytes) else public_pem(key))
    signs = ["--signing-alg", algorithm] if algorithm else []
    checks = ["--verification-alg", algorithm] if algorithm else []
    assert bundle(source, "-o", made, "--signing-key", private, *signs, "--keyid", "mine", "--scope", "dns") == 0
    capsys.readouterr()
    assert bundle("--inspect", made) == 0
    assert "signed    mine (not checked)\n" in capsys.readouterr().out
    assert bundle("--inspect", made, "--verification-key", public, *checks, "--scope", "dns") == 0
    assert f"signed    {public} ({algorithm or 'RS256'})\n" in capsys.readouterr().out
    assert bundle("--inspect", made, "--verification-key", public, *checks, "--scope", "web") == 1
    assert "signed for the scope 'dns', not 'web'" in capsys.readouterr().err


def test_what_is_in_a_bundle_is_listed(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.write_bytes(packed({".manifest": manifest(revision="7\x1b[31m", roots=["dnspolicy"]), "p.rego": ALLOW}))
    assert bundle("--inspect", made) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        r"revision  7\x1b[31m",
        "roots     dnspolicy",
        "signed    no",
        f"{len(ALLOW):>9}  p.rego  dnspolicy",
    ]
    assert bundle("--inspect", made, "-f", "json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["files"] == [{"file": "p.rego", "size": len(ALLOW), "package": "dnspolicy"}]
    assert listed["manifest"]["roots"] == ["dnspolicy"]


REFUSED = {
    "outside of the roots": (["--root", "site"], "p.rego: package dnspolicy lies outside of the roots 'site'"),
    "overlapping roots": (["--root", "a", "--root", "a/b"], "overlapping roots 'a' and 'a/b'"),
    "no key": (["--signing-key", "nowhere"], "nowhere cannot be read: No such file or directory"),
    "no such rule": (["-e", "data.other.decision"], "data.other.decision"),
    "both": (["--inspect", "x"], "give folders to put into a bundle, or --inspect FILE"),
    "nowhere to write": (["-o", "/nowhere/made.tar.gz"], "/nowhere/made.tar.gz cannot be written"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused(
    source: Path, made: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bundle("-o", made, source, *words) == 1
    assert said in capsys.readouterr().err
    assert not made.exists()


def test_policies_that_the_server_would_refuse_are_not_bundled(
    source: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "p.rego").write_text("package dnspolicy\n\ndecision := http.send({})\n")
    assert bundle("-o", made, source) == 1
    assert "p.rego:3:13: " in capsys.readouterr().err
