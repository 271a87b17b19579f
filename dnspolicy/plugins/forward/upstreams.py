"""Addresses of upstreams, and where they are written down."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from dnspolicy.corefile.regular import Signature, read_regular, signature_of
from dnspolicy.model.errors import ConfigError

DNS_PORT, TLS_PORT = 53, 853
MOST = 15
"""Upstreams one route may have, as in CoreDNS."""
RECHECK = 5.0
"""Seconds between two looks at a resolv.conf."""
_TLS = "tls://"
_NOT_SPOKEN = ("https://", "https3://", "quic://", "grpc://", "unix://")
_HOST = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?", re.I | re.A
)
_LONGEST_FILE = 64 * 1024


def is_host(text: str) -> bool:
    """Whether it can be the name of a host (RFC 1123 2.1; underscores are let through)."""
    return len(text) < 254 and _HOST.fullmatch(text) is not None and not text.rstrip(".").rpartition(".")[2].isdigit()


class Upstream(msgspec.Struct, frozen=True, gc=False):
    """One server to ask. `text` is `IP:PORT` or `[IP]:PORT`, for people and metrics.

    `secure`: over TLS only (RFC 7858). `server_name`: what its certificate must say; empty means what the directive
    says, or else the address.
    """

    ip: str
    port: int
    text: str
    secure: bool = False
    server_name: str = ""

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.ip else socket.AF_INET


class Place(msgspec.Struct, frozen=True):
    """A TO that is no file: an address or a host name, not looked up yet."""

    host: str
    port: int
    secure: bool
    server_name: str

    def at(self, ip: str) -> Upstream:
        """The upstream at this address."""
        text = f"[{ip}]:{self.port}" if ":" in ip else f"{ip}:{self.port}"
        return Upstream(ip, self.port, text, self.secure, self.server_name)

    @property
    def address(self) -> str | None:
        """The address, when it is one; in canonical form."""
        try:
            return str(ipaddress.ip_address(self.host))
        except ValueError:
            return None


def parse_place(text: str) -> Place:
    """Read `HOST`, `HOST:PORT` or `[IPv6]:PORT`, each with or without `dns://`, or with `tls://`.

    After `tls://` a `%NAME` may follow the host: the name in the certificate. HOST is an address or a host name.
    Raises ValueError.
    """
    for scheme in _NOT_SPOKEN:
        if text.startswith(scheme):
            raise ValueError(f"{text!r}: upstreams are asked over UDP, TCP and TLS; {scheme} is not supported")
    secure = text.startswith(_TLS)
    bare = text.removeprefix(_TLS).removeprefix("dns://") if not secure else text.removeprefix(_TLS)
    server_name = ""
    if secure and "%" in bare:
        bare, server_name = _without_name(text, bare)
    host, port = _split(text, bare)
    place = Place(host, _port(text, port) if port else TLS_PORT if secure else DNS_PORT, secure, server_name)
    if place.address is None and not is_host(host):
        raise ValueError(f"{text!r} is not an IP address, a file or a host name")
    return place


def parse_upstream(text: str) -> Upstream:
    """The same for an address alone. Raises ValueError, also for a host name."""
    place = parse_place(text)
    ip = place.address
    if ip is None:
        raise ValueError(f"{text!r} is not an IP address")
    return place.at(ip)


def _without_name(text: str, bare: str) -> tuple[str, str]:
    """`IP%NAME:PORT` or `[IP%NAME]:PORT` as `IP:PORT` and the name."""
    host, _, name = bare.rpartition("%")
    if host.startswith("[") and "]" not in host:
        name, bracket, rest = name.partition("]")
        if not bracket:
            raise ValueError(f"{text!r}: a bracket is missing")
        host += "]" + rest
    else:
        name, colon, port = name.partition(":")
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        host += colon + port
    if not is_host(name):
        raise ValueError(f"{text!r}: after % stands the name of a server")
    return host, name.rstrip(".")


def _split(text: str, bare: str) -> tuple[str, str]:
    """Host and port; an empty port when there is none."""
    if bare.startswith("["):
        host, bracket, rest = bare[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or ":" not in host:
            raise ValueError(f"{text!r} is not [IPv6] or [IPv6]:PORT")
        if rest == ":":
            raise ValueError(f"{text!r}: the port is missing")
        return host, rest[1:]
    if bare.count(":") == 1:
        host, _, port = bare.partition(":")
        if not port:
            raise ValueError(f"{text!r}: the port is missing")
        return host, port
    return bare, ""


def _port(text: str, port: str) -> int:
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise ValueError(f"{text!r}: a port is a number from 1 to 65535")
    return int(port)


def is_file(text: str) -> bool:
    """Whether a TO can only be the name of a file."""
    return "://" not in text and "/" in text


def read_resolv_conf(path: Path) -> tuple[Upstream, ...]:
    """The `nameserver` lines of a resolv.conf(5). Raises OSError, and ValueError when there is none."""
    found = []
    text = read_regular(path, _LONGEST_FILE).raw.decode("utf-8", "replace")
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                found.append(parse_upstream(words[1]))
            except ValueError:
                continue
    if not found:
        raise ValueError("it has no usable nameserver line")
    return tuple(found)


class _File:
    """The last good content of one resolv.conf."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._seen = self._mark()
            self.upstreams = read_resolv_conf(path)
        except (OSError, ValueError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else problem
            raise ConfigError(f"forward: {path} is no address and cannot be read as resolv.conf: {why}") from None

    def reread(self) -> bool:
        """Read again if it changed; whether the upstreams are others now. Raises OSError, ValueError."""
        mark = self._mark()
        if mark == self._seen:
            return False
        upstreams = read_resolv_conf(self.path)
        self._seen = mark
        before, self.upstreams = self.upstreams, upstreams
        return before != upstreams

    def _mark(self) -> Signature:
        return signature_of(self.path.stat())


LookUp = Callable[[str], Sequence[str]]
"""The addresses of a host name, in canonical form. Raises ConfigError."""


class Upstreams:
    """The upstreams of one `forward` directive: addresses as written, host names as they were at the start, files as
    they stand on disk.

    A file is looked at when somebody asks and at most each `RECHECK` seconds; while it cannot be read, what it said
    last counts. Raises ConfigError when a file or a name cannot be used at the start.
    """

    def __init__(self, to: Sequence[str], now: float, look_up: LookUp) -> None:
        self._parts: list[tuple[Upstream, ...] | _File] = [_part(text, look_up) for text in to]
        self._files = [part for part in self._parts if isinstance(part, _File)]
        self._looked = now
        self.current: tuple[Upstream, ...] = ()
        self._collect()
        if len(self.current) > MOST:
            raise ConfigError(f"forward: {len(self.current)} upstreams are more than {MOST}")

    @property
    def fixed(self) -> bool:
        """Whether there are no files to look at."""
        return not self._files

    def refresh(self, now: float) -> str | None:
        """Look at the files if it is time; what is wrong with them, if anything. `current` may change."""
        if not self._files or now - self._looked < RECHECK:
            return None
        self._looked = now
        problem = None
        for file in self._files:
            try:
                file.reread()
            except (OSError, ValueError) as error:
                problem = f"{file.path}: {error.strerror if isinstance(error, OSError) else error}"
        self._collect()
        return problem

    def _collect(self) -> None:
        found: dict[Upstream, None] = {}
        for part in self._parts:
            found.update(dict.fromkeys(part.upstreams if isinstance(part, _File) else part))
        fresh = tuple(found)[:MOST] if self.current else tuple(found)
        if fresh != self.current:
            self.current = fresh


def _part(text: str, look_up: LookUp) -> tuple[Upstream, ...] | _File:
    if is_file(text):
        return _File(Path(text))
    place = parse_place(text)
    ip = place.address
    if ip is not None:
        return (place.at(ip),)
    if "://" not in text and Path(text).is_file():
        return _File(Path(text))
    return tuple(place.at(found) for found in look_up(place.host))
