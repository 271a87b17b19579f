"""The state of files on disk: read once, and compared later."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path

MAX_BYTES = 256 << 20
SETTLE = 0.2
"""Seconds a changed file must have been left alone before it is read."""
TRIES = 10
Stamp = tuple[int, int, int]
"""Time of modification, size and inode."""
Stamps = Mapping[Path, Stamp | None]


def read_text(path: Path) -> tuple[Stamp, str]:
    """A file's state and text. Raises ValueError that says why it cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError("not a regular file")
        with path.open("rb") as file:
            found = _stamp(os.fstat(file.fileno()))
            raw = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise ValueError(f"{path.name!r}: {problem.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    if b"\0" in raw:
        raise ValueError("not a text")
    try:
        return found, raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise ValueError("not a text in UTF-8") from None


def now(paths: Stamps) -> dict[Path, Stamp | None]:
    """The states of the same files now; None for one that is not there."""
    return {path: _look(path) for path in paths}


def settled(known: Stamps) -> dict[Path, Stamp | None] | None:
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


def _look(path: Path) -> Stamp | None:
    try:
        return _stamp(path.stat())
    except (OSError, ValueError):
        return None


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_size, found.st_ino
