"""Files that a configuration names, read with a limit. Whoever opens a pipe may wait for ever."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

Signature = tuple[int, int, int]
"""Time of modification (ns), size and inode."""
Fingerprint = frozenset[tuple[str, Signature]]
"""Of many files, by path."""


class NotRegular(ValueError):
    """A path leads to a folder, a pipe or a device."""

    def __init__(self) -> None:
        super().__init__("not a regular file")


class Content(msgspec.Struct, frozen=True):
    """One state of a file. `modified` is in seconds since 1970; `raw` has a byte beyond the limit if there is more."""

    signature: Signature
    modified: float
    raw: bytes


def signature_of(status: os.stat_result) -> Signature:
    """What tells two states of a file apart."""
    return status.st_mtime_ns, status.st_size, status.st_ino


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """What tells two states of some files, and of all that lies below some folders, apart. Blocks."""
    found = set()
    for path in paths:
        for each in path.rglob("*") if path.is_dir() else (path,):
            with suppress(OSError):
                found.add((str(each), signature_of(each.stat())))
    return frozenset(found)


def read_regular(path: Path, most: int) -> Content:
    """Read at most `most` bytes, and one more. Raises OSError, and ValueError (NotRegular) for what is no file."""
    found = read_changed(path, most, None)
    assert found is not None
    return found


def read_changed(path: Path, most: int, known: Signature | None) -> Content | None:
    """The same, unless the state of the file is `known`."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise NotRegular
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        signature = signature_of(status)
        return None if signature == known else Content(signature, status.st_mtime, file.read(most + 1))
