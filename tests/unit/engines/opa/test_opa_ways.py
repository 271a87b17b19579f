"""TCP, TLS and Unix sockets, certificates and tokens, and that these are read again."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from dnspolicy.engines.opa import Files
from dnspolicy.engines.opa.credentials import read
from dnspolicy.model.errors import ConfigError, EngineError, EngineUnavailable
from dnspolicy.testing.certificates import Authority
from dnspolicy.testing.opa import FakeOpa
from tests.unit.engines.opa.asking import ALLOW, Asking

SHORT = 1.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"))


def strict(authority: Authority) -> ssl.SSLContext:
    """TLS that wants a certificate of the client."""
    context = authority.listening("strict")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_a_unix_socket(tmp_path: Path) -> None:
    with FakeOpa(ALLOW, at=tmp_path / "s") as opa, Asking(opa.url) as asking:
        assert asking.decide() is not None
        assert opa.heads[-1].startswith(
            b"POST /v1/data/dnspolicy/decision?provenance=true HTTP/1.1\r\nHost: localhost\r\n"
        )


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    with Asking(f"unix://{tmp_path}/s") as asking, pytest.raises(EngineUnavailable, match="No such file"):
        asking.decide(SHORT)


def test_an_authority_of_ones_own(authority: Authority) -> None:
    with FakeOpa(ALLOW, tls=authority.listening("opa")) as opa:
        with Asking(opa.url, files=Files(ca=authority.certificate, tls=True)) as asking:
            assert asking.decide() is not None
        with Asking(opa.url, files=Files(tls=True)) as asking, pytest.raises(EngineUnavailable, match="certificate"):
            asking.decide(SHORT)


def test_a_stranger_with_the_right_name(authority: Authority, stranger: Authority) -> None:
    with (
        FakeOpa(ALLOW, tls=stranger.listening("opa")) as opa,
        Asking(opa.url, files=Files(ca=authority.certificate, tls=True)) as asking,
        pytest.raises(EngineUnavailable, match="certificate"),
    ):
        asking.decide(SHORT)


def test_a_certificate_for_another_name(authority: Authority) -> None:
    files = Files(ca=authority.certificate, tls=True)
    with FakeOpa(ALLOW, tls=authority.listening("opa")) as opa:
        with Asking(opa.url, files=files, server_name="localhost") as asking:
            assert asking.decide() is not None
        with (
            Asking(opa.url, files=files, server_name="other.example") as asking,
            pytest.raises(EngineUnavailable, match="certificate"),
        ):
            asking.decide(SHORT)


def test_an_expired_certificate(authority: Authority, tmp_path: Path) -> None:
    """One that was good for an hour, many years ago."""
    certificate, key = authority.server("expired")
    issuer = load_pem_private_key(authority.certificate.with_suffix(".key").read_bytes(), None)
    good = x509.load_pem_x509_certificate(certificate.read_bytes())
    builder = (
        x509.CertificateBuilder(good.issuer, good.subject, good.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2020, 1, 1, 1, tzinfo=UTC))
    )
    for extension in good.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    assert isinstance(issuer, EllipticCurvePrivateKey)
    old = tmp_path / "old.crt"
    old.write_bytes(builder.sign(issuer, SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(old, key)
    with (
        FakeOpa(ALLOW, tls=context) as opa,
        Asking(opa.url, files=Files(ca=authority.certificate, tls=True)) as asking,
        pytest.raises(EngineUnavailable, match="certificate has expired"),
    ):
        asking.decide(SHORT)


def test_plain_text_to_a_server_that_wants_tls_and_the_other_way_round(authority: Authority) -> None:
    with FakeOpa(ALLOW, tls=authority.listening("opa")) as opa:
        plain = opa.url.replace("https", "http")
        with Asking(plain) as asking, pytest.raises(EngineError):
            asking.decide(SHORT)
    with FakeOpa(ALLOW) as opa:
        files = Files(ca=authority.certificate, tls=True)
        tls = opa.url.replace("http", "https")
        with Asking(tls, files=files) as asking, pytest.raises(EngineError):
            asking.decide(SHORT)


def test_a_certificate_of_ours_and_its_renewal(authority: Authority, stranger: Authority, tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"

    def present(made: tuple[Path, Path]) -> None:
        certificate.write_bytes(made[0].read_bytes())
        key.write_bytes(made[1].read_bytes())

    present(stranger.client("us"))
    files = Files(ca=authority.certificate, cert=certificate, key=key, tls=True)
    with FakeOpa(ALLOW, tls=strict(authority)) as opa, Asking(opa.url, files=files) as asking:
        with pytest.raises(EngineError):
            asking.decide(SHORT)
        present(authority.client("us"))
        assert asking.eventually() is not None


def test_a_token_and_its_renewal(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    with FakeOpa(ALLOW) as opa:
        opa.token = "first"
        with Asking(opa.url, files=Files(token=token)) as asking:
            assert asking.decide() is not None
            opa.token = "second"
            with pytest.raises(EngineUnavailable, match="refuses us: status 401"):
                asking.decide(SHORT)
            token.write_text("second")
            assert asking.eventually() is not None
            token.write_text("no token\r\nX: y")
            assert asking.eventually() is not None, "the last good one"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "not a bearer token", id="empty"),
        pytest.param("a b", "not a bearer token", id="two words"),
        pytest.param("a\r\nX: y", "not a bearer token", id="two lines"),
        pytest.param("a\0", "not a bearer token", id="NUL"),
        pytest.param("\u00fc", "not a bearer token", id="beyond ASCII"),
        pytest.param("x" * 20_000, "not a bearer token", id="long"),
        pytest.param(None, "cannot be read", id="no file"),
    ],
)
def test_a_token_that_cannot_be_one_stops_the_start(text: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=said) as problem:
        read(Files(token=path))
    assert str(path) in str(problem.value)


def test_certificates_that_are_none_stop_the_start(tmp_path: Path, authority: Authority) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    with pytest.raises(ConfigError, match="no certificates of authorities"):
        read(Files(ca=bad, tls=True))
    with pytest.raises(ConfigError, match="no certificate with its key"):
        read(Files(ca=authority.certificate, cert=bad, key=bad, tls=True))
    with pytest.raises(ConfigError, match="not a regular file"):
        read(Files(ca=tmp_path, tls=True))
