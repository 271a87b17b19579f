"""The state of files on disk: read once, and compared later."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from dnspolicy.corefile.regular import Signature, read_regular, signature_of

MAX_BYTES = 256 << 20
SETTLE = 0.2
"""Seconds a changed file must have been left alone before it is read."""
TRIES = 10
Stamps = Mapping[Path, Signature | None]


def read_text(path: Path) -> tuple[Signature, str]:
    """A file's state and text. Raises ValueError that says why it cannot be read."""
    try:
        found = read_regular(path, MAX_BYTES)
    except OSError as problem:
        raise ValueError(f"{path.name!r}: {problem.strerror}") from None
    if len(found.raw) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    if b"\0" in found.raw:
        raise ValueError("not a text")
    try:
        return found.signature, found.raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise ValueError("not a text in UTF-8") from None


def now(paths: Stamps) -> dict[Path, Signature | None]:
    """The states of the same files now; None for one that is not there."""
    return {path: _look(path) for path in paths}


def settled(known: Stamps) -> dict[Path, Signature | None] | None:
    """The states when they are no longer `known` and nobody is writing; None otherwise. Waits: for a thread."""
    seen = now(known)
    if seen == known:
        return None
    for _ in range(TRIES):
        time.sleep(SETTLE)
        later = now(known)
        if later == seen:
            return later
        seen = later
    return None


def _look(path: Path) -> Signature | None:
    try:
        return signature_of(path.stat())
    except (OSError, ValueError):
        return None
