"""Certificates, their keys and bearer tokens, in files that a configuration names."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path

import msgspec

from dnspolicy.corefile.regular import read_regular
from dnspolicy.model.errors import ConfigError

MAX_FILE = 1 << 20
"""Bytes that such a file may have."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,16384}")
"""What a bearer token may be (RFC 6750 2.1), so it cannot end its line."""


class Pem(msgspec.Struct, frozen=True):
    """What the files hold, all of which goes together."""

    authority: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None

    def __repr__(self) -> str:
        """Without the key."""
        return "Pem(…)"


class PemFiles(msgspec.Struct, frozen=True):
    """Where certificates lie: those of authorities to believe, None for the system's, and an own one with its key."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def read(self) -> Pem:
        """What they hold now, whatever it is. Blocks. Raises ConfigError when one cannot be read."""
        return Pem(*(None if path is None else _read(path) for path in (self.authority, self.certificate, self.key)))

    def context(self, pem: Pem) -> ssl.SSLContext:
        """For a client, TLS 1.2 or newer, of what was read. Raises ConfigError when that cannot be used."""
        try:
            # Whatever stands between the certificates may be in any language.
            authority = None if pem.authority is None else pem.authority.decode("ascii", "ignore")
            context = ssl.create_default_context(cadata=authority)
        except (OSError, ValueError) as problem:
            raise ConfigError(f"{self.authority}: no certificates of authorities{_why(problem)}") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if pem.certificate is not None:
            try:
                present(context, pem.certificate, pem.key or b"")
            except (OSError, ValueError) as problem:
                both = ", ".join(str(path) for path in (self.certificate, self.key) if path is not None)
                raise ConfigError(f"{both}: no certificate with its key{_why(problem)}") from None
        return context

    def checked(self, known: Pem | None = None) -> Pem:
        """What they hold now, which can be used; `known` itself when nothing changed. Blocks. Raises ConfigError."""
        pem = self.read()
        if pem == known:
            return known
        self.context(pem)
        return pem


def present(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Show a certificate from now on. Raises OSError and ValueError, also for a key with a passphrase.

    OpenSSL reads them from files only; these are in memory, as they must be the ones that were read, and a pod may
    write nowhere.
    """
    with os.fdopen(os.memfd_create("certificate"), "wb") as file:
        file.write(certificate + b"\n" + key)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password=_nobody_types_one)


def read_token(path: Path) -> str:
    """The bearer token in a file. Blocks. Raises ConfigError."""
    token = _read(path).decode("ascii", "replace").strip()
    if not _TOKEN.fullmatch(token):
        raise ConfigError(f"{path}: not a bearer token")
    return token


def _read(path: Path) -> bytes:
    try:
        raw = read_regular(path, MAX_FILE).raw
    except (OSError, ValueError) as problem:
        raise ConfigError(f"{path}: cannot be read: {getattr(problem, 'strerror', None) or problem}") from None
    if len(raw) > MAX_FILE:
        raise ConfigError(f"{path}: more than {MAX_FILE} bytes")
    return raw


def _why(problem: Exception) -> str:
    reason = getattr(problem, "reason", None) or getattr(problem, "strerror", None) or str(problem)
    return f" ({reason})" if reason else ""


def _nobody_types_one() -> str:
    raise ValueError("the key has a passphrase")
