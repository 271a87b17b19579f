"""Certificates of connections, from files that are read again when they change."""

from __future__ import annotations

import ssl
from pathlib import Path

import grpc
import msgspec

from dnspolicy.corefile.regular import read_regular
from dnspolicy.model.errors import ConfigError

MOST = 1024 * 1024
"""Bytes that a file of certificates may have."""


class Pem(msgspec.Struct, frozen=True):
    """What the files hold, all of which goes together."""

    authority: bytes | None
    certificate: bytes | None
    key: bytes | None

    def __repr__(self) -> str:
        """Without the key."""
        return "Pem(…)"

    def for_client(self) -> grpc.ChannelCredentials:
        """Without authorities of its own those of the system count."""
        return grpc.ssl_channel_credentials(self.authority or _of_system(), self.key, self.certificate)

    def for_server(self) -> grpc.ServerCertificateConfiguration:
        """With authorities, clients must show a certificate of theirs."""
        assert self.certificate is not None
        assert self.key is not None
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], self.authority)


class PemFiles(msgspec.Struct, frozen=True):
    """Where certificates lie: those of authorities, an own one with its key."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def read(self) -> Pem:
        """What they hold now. Raises ConfigError when a file cannot be used, or certificate and key do not fit."""
        read = Pem(*(None if path is None else _read(path) for path in (self.authority, self.certificate, self.key)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if read.authority is not None:
            try:
                context.load_verify_locations(cadata=read.authority.decode("ascii"))
            except (ssl.SSLError, UnicodeDecodeError):
                raise ConfigError(f"grpc: {self.authority} holds no certificates in PEM form") from None
        if self.certificate is not None and self.key is not None:
            try:
                # These are other reads of the files: in between they may change, which the next look will see.
                context.load_cert_chain(self.certificate, self.key, password="")
            except (OSError, ValueError) as problem:  # ssl.SSLError is an OSError
                why = getattr(problem, "reason", None) or getattr(problem, "strerror", None) or str(problem)
                raise ConfigError(
                    f"grpc: the certificate {self.certificate} with the key {self.key} cannot be used: {why}"
                ) from None
        return read


def _read(path: Path) -> bytes:
    try:
        raw = read_regular(path, MOST).raw
    except OSError as problem:
        raise ConfigError(f"grpc: cannot read {path}: {problem.strerror}") from None
    except ValueError as problem:
        raise ConfigError(f"grpc: cannot read {path}: {problem}") from None
    if len(raw) > MOST:
        raise ConfigError(f"grpc: {path} is larger than {MOST} bytes")
    return raw


def _of_system() -> bytes:
    found = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, found)).encode()
