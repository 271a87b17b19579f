"""Certificates and the bearer token: read from files, and again when these change."""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec

from dnspolicy.corefile.credentials import Pem, PemFiles, read_token


class Files(msgspec.Struct, frozen=True):
    """Which files; None for those that are not wanted. `tls`: whether there are addresses that need TLS."""

    token: Path | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    tls: bool = False


class Credentials(msgspec.Struct, frozen=True):
    """One state of the files. `token` is empty without one; `tls` None where no address needs it."""

    token: str
    pem: Pem
    tls: ssl.SSLContext | None


def read(files: Files, known: Credentials | None = None) -> Credentials:
    """Read the files; `known` itself when nothing changed. Blocks. Raises ConfigError."""
    named = PemFiles(files.ca, files.cert, files.key)
    token = "" if files.token is None else read_token(files.token)
    pem = named.read()
    if known is not None and known.pem == pem:
        return known if known.token == token else Credentials(token, pem, known.tls)
    return Credentials(token, pem, named.context(pem) if files.tls else None)
