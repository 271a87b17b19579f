"""The words that options have in common which ask others: whom to believe, as whom to ask, and web servers how."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from dnspolicy.corefile.credentials import PemFiles
from dnspolicy.corefile.schema import Duration

WORDS = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class TlsWords(msgspec.Struct, frozen=True, kw_only=True):
    """`ca` are the authorities to believe, and `certificate FILE KEY` is shown."""

    ca: str = ""
    certificate: WORDS = ()

    def __post_init__(self) -> None:
        if self.certificate and len(self.certificate) != 2:
            raise ValueError("certificate takes two files, the certificate and its key")

    def files(self, path: Callable[[str], Path]) -> PemFiles:
        """The files. `path`: what a configuration writes → where that is."""
        certificate, key = self.certificate or ("", "")
        return PemFiles(*(path(text) if text else None for text in (self.ca, certificate, key)))


class WebWords(TlsWords, frozen=True, kw_only=True):
    """Times in seconds. `wait` asks a server to hold a request, `keep` is a folder for the last good copy."""

    wait: Annotated[Duration, msgspec.Meta(ge=0, le=3_600)] = Duration(0.0)
    timeout: Annotated[Duration, msgspec.Meta(ge=0.1, le=3_600)] = Duration(30.0)
    token_file: str = ""
    keep: str = ""


def check_url(text: str) -> None:
    """Raises ValueError for what is no URL of a web server."""
    try:
        url = urlsplit(text)
        good = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"'{text}' is no URL that begins with http:// or https://")


def without_secrets(url: str) -> str:
    """A URL as it may be shown: what stands before the host, and behind the path, may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
