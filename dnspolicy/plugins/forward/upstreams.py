"""Addresses of upstreams, and where they are written down."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dnspolicy.model.errors import ConfigError

DNS_PORT = 53
MOST = 15
"""Upstreams one route may have, as in CoreDNS."""
RECHECK = 5.0
"""Seconds between two looks at a resolv.conf."""
_OTHER_SCHEMES = ("tls://", "https://", "quic://", "grpc://")
_LONGEST_FILE = 64 * 1024


class Upstream(msgspec.Struct, frozen=True, gc=False):
    """One server to ask. `text` is `IP:PORT` or `[IP]:PORT`, for people and metrics."""

    ip: str
    port: int
    text: str

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.ip else socket.AF_INET


def parse_upstream(text: str) -> Upstream:
    """Read `IP`, `IP:PORT`, `IPv6` or `[IPv6]:PORT`, each with or without `dns://`. Raises ValueError."""
    for scheme in _OTHER_SCHEMES:
        if text.startswith(scheme):
            raise ValueError(f"{text!r}: upstreams are asked over UDP and TCP only; {scheme} is not supported")
    bare = text.removeprefix("dns://")
    host, port = bare, ""
    if bare.startswith("["):
        host, bracket, rest = bare[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or ":" not in host:
            raise ValueError(f"{text!r} is not [IPv6] or [IPv6]:PORT")
        port = rest[1:] if rest else ""
        if rest == ":":
            raise ValueError(f"{text!r}: the port is missing")
    elif bare.count(":") == 1:
        host, _, port = bare.partition(":")
        if not port:
            raise ValueError(f"{text!r}: the port is missing")
    try:
        ip = str(ipaddress.ip_address(host))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None
    number = _port(text, port) if port else DNS_PORT
    return Upstream(ip, number, f"[{ip}]:{number}" if ":" in ip else f"{ip}:{number}")


def _port(text: str, port: str) -> int:
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise ValueError(f"{text!r}: a port is a number from 1 to 65535")
    return int(port)


def is_file(text: str) -> bool:
    """Whether a TO names a file rather than an address."""
    return "://" not in text and "/" in text


def read_resolv_conf(path: Path) -> tuple[Upstream, ...]:
    """The `nameserver` lines of a resolv.conf(5). Raises OSError, and ValueError when there is none."""
    found = []
    with path.open("rb") as file:
        text = file.read(_LONGEST_FILE).decode("utf-8", "replace")
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

    def _mark(self) -> tuple[int, int, int]:
        status = self.path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino


class Upstreams:
    """The upstreams of one `forward` directive: addresses as written, files as they stand on disk.

    A file is looked at when somebody asks and at most each `RECHECK` seconds; while it cannot be read, what it said
    last counts. Raises ConfigError when a file cannot be used at the start.
    """

    def __init__(self, to: Sequence[str], now: float) -> None:
        self._parts: list[Upstream | _File] = [_File(Path(t)) if is_file(t) else parse_upstream(t) for t in to]
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
            found.update(dict.fromkeys(part.upstreams if isinstance(part, _File) else (part,)))
        fresh = tuple(found)[:MOST] if self.current else tuple(found)
        if fresh != self.current:
            self.current = fresh
