"""Audit streams as these commands read them: several files, rotated and packed ones too, or standard input."""

from __future__ import annotations

import argparse
import gzip
import sys
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

from dnspolicy.audit.filter import BadFilter, Filter, moment
from dnspolicy.audit.reader import LineSplitter
from dnspolicy.audit.record import BadRecord, Line, LostRecord, QueryRecord, RepeatRecord, StartRecord, decode
from dnspolicy.model.errors import ConfigError

_BLOCK = 256 * 1024
_INSTANCES = 1024


def add_records(parser: argparse.ArgumentParser) -> None:
    """The records and the span of time."""
    parser.add_argument(
        "records", nargs="+", metavar="RECORDS", help="audit files, packed ones (.gz) too; - is standard input"
    )
    parser.add_argument("--since", type=_moment, metavar="TIME", help="a duration ago (5m, 1h30m) or RFC 3339")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="likewise")


def _moment(text: str) -> str:
    try:
        return moment(text, time.time())
    except BadFilter as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


class Stream:
    """The records of some files, with what was wrong with them.

    `labels`: per instance the keys of labels that its records of level full show, where its start is in the files.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self._files: list[str] = args.records
        self._span = Filter((), args.since, args.until)
        self.lines = self.unreadable = self.lost = 0
        self.labels: dict[str, frozenset[str]] = {}

    def queries(self) -> Iterator[QueryRecord]:
        """Queries and repeats, in the order of the files. Raises ConfigError when a file cannot be read."""
        for raw in self._raw():
            self.lines += 1
            try:
                line = decode(raw)
            except BadRecord:
                self.unreadable += 1
                continue
            if isinstance(line, StartRecord) and len(self.labels) < _INSTANCES:
                self.labels[line.instance] = frozenset(line.labels)
            if self._span.in_time(line):
                yield from self._wanted(line)

    def _wanted(self, line: Line) -> Iterator[QueryRecord]:
        if isinstance(line, LostRecord):
            self.lost += line.queries
        elif isinstance(line, QueryRecord):
            yield line

    def _raw(self) -> Iterator[bytes]:
        for name in self._files:
            try:
                with ExitStack() as stack:
                    yield from _lines(_open(name, stack))
            except (OSError, EOFError, zlib.error) as problem:
                raise ConfigError(f"cannot read {name}: {getattr(problem, 'strerror', None) or problem}") from None

    @property
    def is_whole(self) -> bool:
        """Whether no record is missing, as far as the records themselves tell."""
        return not self.unreadable and not self.lost

    @property
    def is_none(self) -> bool:
        """Whether there are lines, and not one of them is a record."""
        return 0 < self.lines == self.unreadable

    def complain(self) -> None:
        """What could not be counted, on standard error."""
        if self.unreadable:
            print(f"left out {self.unreadable} of {self.lines} lines: no audit records", file=sys.stderr)
        if self.lost:
            print(f"the records of {self.lost} queries were lost", file=sys.stderr)


def weight(record: QueryRecord) -> int:
    """How many queries a record stands for."""
    return record.count if isinstance(record, RepeatRecord) else 1


def namespace(record: QueryRecord) -> str:
    """The client's namespace, or its kind in brackets."""
    return record.client.namespace or f"({record.client.kind})"


def _open(name: str, stack: ExitStack) -> IO[bytes]:
    if name == "-":
        return sys.stdin.buffer
    if Path(name).suffix == ".gz":
        packed = gzip.GzipFile(name, "rb")
        stack.callback(packed.close)
        return cast("IO[bytes]", packed)
    return stack.enter_context(Path(name).open("rb"))


def _lines(file: IO[bytes]) -> Iterable[bytes]:
    splitter = LineSplitter()
    while block := file.read(_BLOCK):
        yield from splitter.feed(block)
    if rest := splitter.end():
        yield rest
