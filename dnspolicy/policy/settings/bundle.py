"""The `bundle` option of a policy."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from dnspolicy.bundle.keys import Algorithm
from dnspolicy.corefile.schema import Duration, Positional, Size
from dnspolicy.policy.settings.web import WORDS, TlsWords, WebWords, check_url, without_secrets

_WEB_ONLY = ("every", "wait", "timeout", "keep", "token_file", "ca", "certificate", "unsigned")


class BundleKey(msgspec.Struct, frozen=True):
    """`key FILE [ALGORITHM] [ID]`: a public key or certificate in PEM, or a secret."""

    file: Annotated[str, Positional]
    algorithm: Annotated[Algorithm | None, Positional] = None
    id: Annotated[str, Positional] = ""


class BundleLine(WebWords, frozen=True, kw_only=True):
    """`bundle FILE|URL { … }`. Times in seconds, `size` in bytes of the archive."""

    source: Annotated[str, Positional]
    key: tuple[BundleKey, ...] = ()
    keyid: str = ""
    scope: str = ""
    exclude: WORDS = ()
    size: Annotated[Size, msgspec.Meta(ge=1)] = Size(64 << 20)
    every: Annotated[Duration, msgspec.Meta(ge=1, le=86_400)] = Duration(60.0)
    unsigned: bool = False

    def __post_init__(self) -> None:
        TlsWords.__post_init__(self)
        if not self.key and (self.keyid or self.scope or self.exclude):
            raise ValueError("keyid, scope and exclude are for bundles with a key")
        if self.web:
            self._check_url()
        elif given := [word for word in _WEB_ONLY if getattr(self, word) != _usual(word)]:
            raise ValueError(f"{', '.join(given)}: for bundles behind a URL only")

    @property
    def web(self) -> bool:
        """Whether it lies behind a URL."""
        return "://" in self.source

    @property
    def name(self) -> str:
        """How it is called: the file, or the URL without what may be secret in it."""
        return without_secrets(self.source) if self.web else self.source

    def _check_url(self) -> None:
        check_url(self.source)
        url = urlsplit(self.source)
        if url.scheme == "http" and not (self.key or self.unsigned or _is_loopback(url.hostname or "")):
            raise ValueError(
                f"'{self.source}': anybody on the way could change it; give a key, use https, or say `unsigned`"
            )


def _usual(word: str) -> object:
    return next(field.default for field in msgspec.structs.fields(BundleLine) if field.name == word)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
