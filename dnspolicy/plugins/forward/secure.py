"""What the `tls` option makes of its files (RFC 7858, RFC 8310)."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from dnspolicy.corefile.credentials import PemFiles
from dnspolicy.model.errors import ConfigError


def client_context(files: Sequence[Path] = ()) -> ssl.SSLContext:
    """TLS 1.2 or newer, with certificates checked.

    `files` as in the directive: none, CA; CERT, KEY; or CERT, KEY, CA. Without CA the system's authorities count.
    Raises ConfigError when a file cannot be used.
    """
    certificate, key = files[:2] if len(files) > 1 else (None, None)
    named = PemFiles(files[-1] if len(files) in (1, 3) else None, certificate, key)
    try:
        return named.context(named.read())
    except ConfigError as problem:
        raise ConfigError(f"forward: the files of `tls` cannot be used: {problem}") from None
