"""Files that a configuration names, read with a limit. Whoever opens a pipe may wait for ever."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
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
    """What tells two states of some files, and of those below some folders, apart. Blocks.

    What cannot be read is left out: that it can be read again is another state.
    """
    found = set()
    for path in paths:
        with suppress(OSError):
            whole = stat.S_ISDIR(path.stat().st_mode)
            for each in files_below(path, lambda _: None) if whole else (path,):
                with suppress(OSError):
                    found.add((str(each), signature_of(each.stat())))
    return frozenset(found)


def files_below(folder: Path, failed: Callable[[OSError], object]) -> Iterator[Path]:
    """What lies below a folder and is none, in order; folders that are links too, and each real folder once.

    Names that begin with a dot are left out, so a mounted ConfigMap is read once. `failed` is told of each folder that
    cannot be listed.
    """
    visited: set[str] = set()
    for here, folders, files in os.walk(folder, onerror=failed, followlinks=True):
        real = os.path.realpath(here)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in sorted(f for f in files if not f.startswith(".")):
            yield Path(here, file)


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
