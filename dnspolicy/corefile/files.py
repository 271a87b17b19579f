"""Reading the files of a configuration, with limits."""

from __future__ import annotations

import glob
import os
from itertools import islice
from pathlib import Path

from dnspolicy.corefile.complaints import Complaints, shown
from dnspolicy.corefile.lexer import tokens
from dnspolicy.corefile.parser import statements
from dnspolicy.corefile.regular import NotRegular, read_regular
from dnspolicy.corefile.tree import Directive, Position

MAX_BYTES = 1 << 20
"""Bytes of one file; a ConfigMap holds no more."""
MAX_FILES = 256
MAX_PATH = 4096
_WILD = frozenset("*?[")


class Files:
    """Reads each file once. `read` lists all that were read, in that order."""

    def __init__(self, complaints: Complaints) -> None:
        self._complaints = complaints
        self._parsed: dict[Path, tuple[Directive, ...]] = {}

    @property
    def read(self) -> tuple[Path, ...]:
        return tuple(self._parsed)

    def statements(self, path: Path, at: Position) -> tuple[Directive, ...]:
        """The statements of a file; complaints about reading it are made `at`."""
        found = self._parsed.get(path)
        if found is None:
            if len(self._parsed) >= MAX_FILES:
                self._complaints.add(at, f"more than {MAX_FILES} files")
                return ()
            text = self._text(path, at)
            found = () if text is None else statements(tokens(text, str(path), self._complaints), self._complaints)
            self._parsed[path] = found
        return found

    def matching(self, pattern: str, near: Path, at: Position) -> list[Path] | None:
        """Files that `pattern` names, seen from the folder of `near`; None when it is a plain name of no file.

        A folder on the way that is there and cannot be listed is a complaint `at` that place.
        """
        if "\0" in pattern:
            return None
        path = near.parent / pattern
        if not _WILD.intersection(pattern):
            return [path] if os.path.lexists(path) else None
        self._list_folders(path, at)
        found = islice(glob.iglob(str(path)), MAX_FILES * 4)  # noqa: PTH207 Path.glob refuses absolute patterns
        return sorted(match for match in map(Path, found) if match.is_file())

    def _list_folders(self, path: Path, at: Position) -> None:
        """Complain of folders that a pattern looks into in vain, which `glob` passes over."""
        for number, part in enumerate(path.parts):
            if not _WILD.intersection(part):
                continue
            above = str(Path(*path.parts[:number]))
            for folder in islice(glob.iglob(above), MAX_FILES):  # noqa: PTH207 as below
                try:
                    os.scandir(folder).close()
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except OSError as problem:
                    self._complaints.add(at, f"cannot list {shown(folder, MAX_PATH)}: {problem.strerror}")

    def _text(self, path: Path, at: Position) -> str | None:
        try:
            raw = read_regular(path, MAX_BYTES).raw
        except NotRegular as problem:
            self._complaints.add(at, f"{shown(str(path), MAX_PATH)} is {problem}")
            return None
        except (OSError, ValueError) as problem:
            why = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
            self._complaints.add(at, f"cannot read {shown(str(path), MAX_PATH)}: {why}")
            return None
        if len(raw) > MAX_BYTES:
            self._complaints.add(
                at, f"{shown(str(path), MAX_PATH)} is too large", expected=f"at most {MAX_BYTES} bytes"
            )
            return None
        return self._decoded(raw, path)

    def _decoded(self, raw: bytes, path: Path) -> str | None:
        try:
            return raw.decode()
        except UnicodeDecodeError as problem:
            before = raw[: problem.start]
            column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
            at = Position(str(path), before.count(b"\n") + 1, column)
            self._complaints.add(at, f"byte 0x{raw[problem.start]:02x} is not UTF-8", expected="text in UTF-8")
            return None
