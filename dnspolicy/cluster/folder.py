"""Looking at a folder of manifest files: which changed, and what they hold now. Runs in a thread; touches no state."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from dnspolicy.cluster.decode import Decoder
from dnspolicy.cluster.files import SUFFIXES, Decodes, read_objects
from dnspolicy.cluster.objects import Object, Thing
from dnspolicy.corefile.regular import Signature, signature_of
from dnspolicy.model.errors import ManifestError
from dnspolicy.model.printable import escaped

PATIENCE = 5
"""Looks after which a file that never stops changing is read all the same."""


class File(msgspec.Struct, frozen=True):
    """One file as last read. `objects` are those of its last good content; `problem` is empty when it reads well.

    `pending` is what the last look saw if that is not what was read (None: nothing, the file was missing), for
    `waited` looks now.
    """

    signature: Signature | None
    objects: tuple[Object | Thing, ...] = ()
    problem: str = ""
    pending: Signature | None = None
    waited: int = 0


Files = dict[Path, File]


class Look(msgspec.Struct, frozen=True):
    """All files after a look. `unreadable` says why the folder or a part of it could not be listed."""

    files: Files
    changed: bool
    unreadable: str = ""


class Folder:
    def __init__(self, path: Path, decoder: Decodes | None = None) -> None:
        self._path = path
        self._decoder = decoder or Decoder()

    def check(self) -> None:
        """Raises ManifestError when the folder is not there or may not be read."""
        try:
            next(self._path.iterdir(), None)
        except OSError as problem:
            raise ManifestError(_unreadable(self._path, problem)) from None

    def look(self, before: Files, settle: bool = True) -> Look:
        """See what changed since `before`.

        With `settle` a change counts when two looks in a row see the same, so that a file is rarely read while
        somebody writes it.
        """
        seen, problem = self._list()
        files: Files = {}
        for path in before.keys() | seen.keys():
            if path not in seen and problem:
                files[path] = before[path]  # it may be in the part that could not be listed
                continue
            file = self._next(path, before.get(path), seen.get(path), settle)
            if file is not None:
                files[path] = file
        changed = any(_objects(files, path) is not _objects(before, path) for path in before.keys() | files.keys())
        return Look(files, changed, problem)

    def _next(self, path: Path, old: File | None, now: Signature | None, settle: bool) -> File | None:
        """The file after this look; None when it is gone."""
        if old is not None and old.signature == now:
            return None if now is None else msgspec.structs.replace(old, pending=None, waited=0)
        waited = old.waited if old is not None else 0
        settled = waited > 0 and old is not None and old.pending == now
        if settle and not settled and waited < PATIENCE:
            return msgspec.structs.replace(old or File(None), pending=now, waited=waited + 1)
        return None if now is None else self._read(path, now, () if old is None else old.objects)

    def _read(self, path: Path, signature: Signature, last_good: tuple[Object | Thing, ...]) -> File:
        try:
            return File(signature, tuple(read_objects(path, path.read_bytes(), self._decoder)))
        except FileNotFoundError:
            return File(None, last_good, waited=1)
        except OSError as problem:
            return File(signature, last_good, _unreadable(path, problem))
        except ManifestError as problem:
            return File(signature, last_good, str(problem))

    def _list(self) -> tuple[dict[Path, Signature], str]:
        """Every manifest file below the folder with its signature, and why some could not be listed."""
        problems: list[OSError] = []
        seen: dict[Path, Signature] = {}
        for folder, subfolders, names in os.walk(self._path, onerror=problems.append):
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            for name in names:
                path = Path(folder, name)
                if path.suffix in SUFFIXES and not name.startswith("."):
                    try:
                        found = path.stat()
                    except OSError:
                        continue  # gone since it was listed, or a link to nowhere
                    if stat.S_ISREG(found.st_mode):
                        seen[path] = signature_of(found)
        return seen, "".join(_unreadable(problem.filename, problem) for problem in problems[:1])


def _objects(files: Files, path: Path) -> tuple[Object | Thing, ...]:
    return files[path].objects if path in files else ()


def _unreadable(path: Path | str, problem: OSError) -> str:
    return f"{escaped(str(path))}: cannot be read: {problem.strerror}"
