"""What `dnspolicy pdp` is told on its command line."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dnspolicy.chain.http import Address


class Limits(msgspec.Struct, frozen=True):
    """`message` in bytes; `streams` are calls of one connection, `calls` those of all; `batch` in questions."""

    message: int = 4 * 1024 * 1024
    streams: int = 1024
    calls: int = 4096
    batch: int = 1024


class Options(msgspec.Struct, frozen=True):
    """`listen`: `HOST:PORT` and `unix:PATH`. `http` serves /metrics, /health and /ready. `drain` in seconds.

    With `authority` clients must show a certificate of theirs.
    """

    listen: tuple[str, ...]
    http: Address | None = None
    socket_mode: int = 0o660
    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None
    reflection: bool = True
    drain: float = 5.0
    limits: Limits = Limits()
