"""Certificates and the bearer token: read from files, and again when these change."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import msgspec

from dnspolicy.corefile.regular import read_regular
from dnspolicy.model.errors import ConfigError

MAX_FILE = 1024 * 1024
"""Bytes of a file that are read."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,16384}")
"""What a bearer token may be (RFC 6750 2.1), so it cannot end its line."""


class Files(msgspec.Struct, frozen=True):
    """Which files; None for those that are not wanted. `tls`: whether there are addresses that need TLS."""

    token: Path | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    tls: bool = False


class Credentials(msgspec.Struct, frozen=True):
    """One state of the files. `token` is empty without one; `tls` None where no address needs it."""

    raw: tuple[bytes, ...]
    token: str
    tls: ssl.SSLContext | None

    def same_tls(self, other: Credentials) -> bool:
        """Whether connections of the other are as good as those of this one."""
        return self.raw[1:] == other.raw[1:]


def read(files: Files, known: Credentials | None = None) -> Credentials:
    """Read the files; `known` itself when nothing changed. Blocks. Raises ConfigError."""
    raw = tuple(_raw(path) for path in (files.token, files.ca, files.cert, files.key))
    if known is not None and known.raw == raw:
        return known
    token = raw[0].decode("ascii", "replace").strip()
    if files.token is not None and not _TOKEN.fullmatch(token):
        raise ConfigError(f"{files.token}: not a bearer token")
    if known is not None and known.raw[1:] == raw[1:]:
        return Credentials(raw, token, known.tls)
    return Credentials(raw, token, _context(files) if files.tls else None)


def _raw(path: Path | None) -> bytes:
    if path is None:
        return b""
    try:
        return read_regular(path, MAX_FILE).raw
    except OSError as problem:
        raise ConfigError(f"{path}: cannot be read: {problem.strerror or problem}") from None
    except ValueError as problem:
        raise ConfigError(f"{path}: {problem}") from None


def _context(files: Files) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(files.ca) if files.ca else None)
    except (OSError, ValueError):
        raise ConfigError(f"{files.ca}: no certificates of authorities") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.cert is not None and files.key is not None:
        try:
            # A key with a passphrase is refused: nobody is there to type it.
            context.load_cert_chain(files.cert, files.key, password=_no_passphrase)
        except (OSError, ValueError):
            raise ConfigError(f"{files.cert}, {files.key}: no certificate with its key") from None
    return context


def _no_passphrase() -> str:
    raise ValueError
