"""Certificates, keys and tokens in files that a configuration names."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from dnspolicy.corefile.credentials import MAX_FILE, Pem, PemFiles, read_token
from dnspolicy.model.errors import ConfigError
from dnspolicy.testing.certificates import Authority

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def context(*files: Path | None) -> int:
    """How many authorities a context made of these files believes."""
    named = PemFiles(*files)
    return len(named.context(named.read()).get_ca_certs())


def test_only_the_authorities_named_are_believed(authority: Authority, tmp_path: Path) -> None:
    commented = tmp_path / "ca"
    commented.write_bytes("# Prüfstelle\n".encode() + authority.certificate.read_bytes())
    assert context(commented, *authority.client("us")) == 1


@pytest.mark.parametrize("wrong", ["absent", "a folder", "nonsense", "too much"])
@pytest.mark.parametrize("at", [0, 1, 2], ids=["authority", "certificate", "key"])
def test_what_cannot_be_used_is_named(authority: Authority, tmp_path: Path, wrong: str, at: int) -> None:
    files = [authority.certificate, *authority.client("us")]
    files[at] = bad = tmp_path / "bad"
    if wrong == "a folder":
        bad.mkdir()
    elif wrong != "absent":
        bad.write_bytes(b"nonsense" if wrong == "nonsense" else b"#" * (MAX_FILE + 1))
    with pytest.raises(ConfigError, match=str(bad)):
        PemFiles(*files).checked()


def test_a_key_with_a_passphrase_is_refused_and_nobody_asked_for_it(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.client("us")
    locked = tmp_path / "locked"
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", key, "-out", locked, "-passout", "pass:secret"], check=True, timeout=30
    )
    with pytest.raises(ConfigError, match="passphrase"):
        PemFiles(authority.certificate, certificate, locked).checked()


def test_a_key_is_not_shown() -> None:
    assert "secret" not in repr(Pem(None, b"public", b"secret"))


def test_a_token_of_two_lines_is_none(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("good\n")
    (tmp_path / "bad").write_text("good\nX: y\n")
    assert read_token(tmp_path / "token") == "good"
    with pytest.raises(ConfigError, match="bad: not a bearer token"):
        read_token(tmp_path / "bad")
