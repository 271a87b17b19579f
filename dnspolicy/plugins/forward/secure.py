"""What the `tls` option makes of its files (RFC 7858, RFC 8310)."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from dnspolicy.model.errors import ConfigError


def client_context(files: Sequence[Path] = ()) -> ssl.SSLContext:
    """TLS 1.2 or newer, with certificates checked.

    `files` as in the directive: none, CA; CERT, KEY; or CERT, KEY, CA. Without CA the system's authorities count.
    Raises ConfigError when a file cannot be used.
    """
    authority = files[-1] if len(files) in (1, 3) else None
    try:
        context = ssl.create_default_context(cafile=authority)
    except OSError as problem:  # ssl.SSLError is one too
        raise ConfigError(f"forward: the certificates in {authority} cannot be used: {_why(problem)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if len(files) > 1:
        try:
            context.load_cert_chain(files[0], files[1])
        except OSError as problem:
            raise ConfigError(
                f"forward: the certificate {files[0]} with the key {files[1]} cannot be used: {_why(problem)}"
            ) from None
    return context


def _why(problem: OSError) -> str:
    return problem.strerror or str(problem) or type(problem).__name__
