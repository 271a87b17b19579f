"""Reads the files of a policy; those with much data in a process of its own, so that no answer waits meanwhile.

`python -m dnspolicy.engines.rego.reading` reads a Task (MessagePack) and writes a Done. Reading JSON makes an object of
each value, which lets nothing else run: 80 ms for 100,000 names. What comes back is a few bytes strings.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dnspolicy.chain.apart import confine, run
from dnspolicy.engines.rego.errors import Complaint
from dnspolicy.engines.rego.sources import DATA_FILES, Limits, SourceFile, Sources, data_files, read

SMALL = 65_536
"""Bytes of data up to which a process of its own would take longer than it is worth."""


class Task(msgspec.Struct, frozen=True):
    folders: tuple[str, ...]
    more: tuple[SourceFile, ...]
    limits: Limits


class Done(msgspec.Struct, frozen=True):
    sources: Sources
    complaints: tuple[Complaint, ...]


def read_apart(
    folders: Sequence[Path], limits: Limits, more: Sequence[SourceFile] = ()
) -> tuple[Sources, list[Complaint]]:
    """As `read`. Blocks; what the process could not do is a complaint."""
    if _size(folders, more) <= SMALL:
        return read(folders, limits, more=more)
    task = Task(tuple(map(str, folders)), tuple(more), limits)
    try:
        done = run("dnspolicy.engines.rego.reading", msgspec.msgpack.encode(task), limits.check_seconds)
    except OSError as problem:
        return _failed(f"a process to read the files cannot be started: {problem.strerror}")
    if done.code != 0:
        return _failed(f"reading the files {done.why(limits.check_seconds, limits.check_bytes)}")
    found = msgspec.msgpack.decode(done.output, type=Done)
    return found.sources, list(found.complaints)


def _size(folders: Sequence[Path], more: Sequence[SourceFile]) -> int:
    """Bytes of data there are, about."""
    known = sum(len(file.raw) for file in more if Path(file.file).name in DATA_FILES)
    return known + sum(data_files(folders))


def _failed(what: str) -> tuple[Sources, list[Complaint]]:
    return Sources((), b"{}", ""), [Complaint("data", 0, 0, what, unchecked=True)]


def main() -> None:
    """The process."""
    gc.disable()  # a short life with many objects
    task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Task)
    confine(task.limits.check_bytes)
    os.nice(5)
    sources, complaints = read([Path(folder) for folder in task.folders], task.limits, more=task.more)
    sys.stdout.buffer.write(msgspec.msgpack.encode(Done(sources, tuple(complaints))))


if __name__ == "__main__":
    main()
