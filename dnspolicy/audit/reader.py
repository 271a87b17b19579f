"""Reading an audit stream back: whole lines from a file that may still grow, and what is missing from it."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from dnspolicy.audit.record import Line, LostRecord

MAX_LINE = 1024 * 1024
"""Bytes; a longer line is no record and is handed out cut off, so that it counts as unreadable."""
_BLOCK = 256 * 1024
_INSTANCES = 256


class LineSplitter:
    """Bytes in, whole lines out, in bounded memory."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that `data` completes, without their newlines; empty lines are left out."""
        *lines, rest = (self._rest + data).split(b"\n")
        if self._skipping and lines:
            lines, self._skipping = lines[1:], False
        if len(rest) > MAX_LINE:
            if not self._skipping:
                lines.append(rest[:MAX_LINE])
            rest, self._skipping = b"", True
        self._rest = b"" if self._skipping else rest
        yield from (line for line in lines if line.strip())

    def end(self) -> bytes:
        """What is left without a newline."""
        rest, self._rest, self._skipping = self._rest.strip(), b"", False
        return rest


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """All lines up to the end of the file, as soon as they are there. Raises OSError."""
    splitter = LineSplitter()
    while block := os.read(file.fileno(), _BLOCK):
        yield from splitter.feed(block)
    if rest := splitter.end():
        yield rest


def follow_lines(path: Path, wait: Callable[[], None]) -> Iterator[bytes | None]:
    """Lines of a file and those written later, without end; None each time all that is there was read.

    `wait` is called between looks. A file that was cut is read from its start again, one that was replaced (rotated) is
    read to its end before the new one. Raises OSError when the file cannot be opened at first.
    """
    file = _open(path)
    splitter = LineSplitter()
    try:
        while True:
            while block := file.read(_BLOCK):
                yield from splitter.feed(block)
            yield None
            wait()
            if _cut(file):
                splitter = LineSplitter()
                file.seek(0)
            elif (newer := _replaced(file, path)) is not None:
                yield from _remains(file, splitter)
                file.close()
                file = newer
    finally:
        file.close()


def _remains(file: BinaryIO, splitter: LineSplitter) -> Iterator[bytes]:
    """What was written between the last look and the rotation."""
    while block := file.read(_BLOCK):
        yield from splitter.feed(block)
    if rest := splitter.end():
        yield rest


def _open(path: Path) -> BinaryIO:
    """Unbuffered, so that every look sees what was written since."""
    return path.open("rb", buffering=0)


def _cut(file: BinaryIO) -> bool:
    return os.fstat(file.fileno()).st_size < file.tell()


def _replaced(file: BinaryIO, path: Path) -> BinaryIO | None:
    """The file that has taken the path over, opened; None while there is none."""
    try:
        if os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return None
        return _open(path)
    except OSError:
        return None


class Sequence:
    """Finds records that are missing without a `lost` record: a cut, edited or badly copied stream."""

    def __init__(self) -> None:
        self.missing = 0
        self._last: OrderedDict[str, int] = OrderedDict()

    def gap_before(self, line: Line) -> int:
        """How many records of the same instance should stand between the previous one and this one, and do not.

        Records of an instance met for the first time, and such as come twice, tell nothing.
        """
        last = self._last.pop(line.instance, None)
        self._last[line.instance] = max(line.seq, last or 0)
        if len(self._last) > _INSTANCES:
            self._last.popitem(last=False)
        if last is None:
            return 0
        announced = line.count if isinstance(line, LostRecord) else 0
        gap = max(line.seq - last - 1 - announced, 0)
        self.missing += gap
        return gap
