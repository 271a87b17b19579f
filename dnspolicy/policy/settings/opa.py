"""What the `opa` block of a `policy` directive says."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

import msgspec

from dnspolicy.corefile.schema import Duration, Positional
from dnspolicy.policy.settings.web import TlsWords

MAX_SOCKET = 107
"""Bytes that the path of a Unix socket may have (unix(7))."""
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_PORTS = {"http": 80, "https": 443}


class Address(msgspec.Struct, frozen=True):
    """Where an OPA listens. `text` is how it is named to people; `socket` a path, or else `host` and `port`."""

    text: str
    host: str = ""
    port: int = 0
    socket: str = ""
    tls: bool = False

    @property
    def authority(self) -> str:
        """What stands in the Host field (RFC 9110 7.2)."""
        if self.socket:
            return "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.tls else "http"] else f"{host}:{self.port}"


def parse(text: str) -> Address:
    """`http://HOST[:PORT]`, `https://HOST[:PORT]` or `unix:///PATH`. Raises ValueError, which quotes the text."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError(f"{text!r}: an address holds printable ASCII without spaces")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as problem:
        raise ValueError(f"{text!r}: {problem}") from None
    if url.scheme == "unix":
        return _socket(text, url)
    if url.scheme not in _PORTS:
        raise ValueError(f"{text!r}: expected http://HOST:PORT, https://HOST:PORT or unix:///PATH")
    if url.username is not None or url.password is not None:
        raise ValueError(f"{text!r}: credentials do not belong into an address; see token_file")
    if url.path not in ("", "/") or url.query or url.fragment:
        raise ValueError(f"{text!r}: only scheme, host and port; what is asked follows from `entrypoint`")
    host = url.hostname or ""
    if not _HOST.fullmatch(host) or port == 0:
        raise ValueError(f"{text!r}: expected a host name or an address, and a port from 1 to 65535")
    return Address(text, host, port or _PORTS[url.scheme], tls=url.scheme == "https")


def _socket(text: str, url: SplitResult) -> Address:
    if url.netloc or not url.path.startswith("/") or len(url.path) < 2 or url.query or url.fragment:
        raise ValueError(f"{text!r}: expected unix:///PATH with an absolute path")
    if len(url.path) > MAX_SOCKET:
        raise ValueError(f"{text!r}: the path of a socket may have {MAX_SOCKET} bytes")
    return Address(text, socket=url.path)


class Opa(TlsWords, frozen=True):
    """`pool` is how many connections each address may have; `hold` how many seconds a decision is remembered.

    `rego` names folders that hold what OPA is given, so that it is known what its policy can read.
    """

    urls: Annotated[tuple[str, ...], Positional]
    rego: tuple[str, ...] = ()
    token_file: str = ""
    server_name: str = ""
    pool: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 32
    hold: Annotated[Duration, msgspec.Meta(ge=0, le=3600)] = Duration(2.0)

    def __post_init__(self) -> None:
        TlsWords.__post_init__(self)
        addresses = self.addresses
        if not addresses:
            raise ValueError("expected the address of an OPA, such as unix:///run/opa/opa.sock")
        for text in self.urls:
            if self.urls.count(text) > 1:
                raise ValueError(f"{text!r} is there twice")
        tls = any(address.tls for address in addresses)
        named = [word for word in ("ca", "certificate", "server_name") if getattr(self, word)]
        if named and not tls:
            raise ValueError(f"`{named[0]}` is for https:// only")

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses, in order. Raises ValueError."""
        return tuple(map(parse, self.urls))
