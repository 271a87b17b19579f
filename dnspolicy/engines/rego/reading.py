"""Reads the files of a policy; those with much data in a process of its own, so that no answer waits meanwhile.

`python -m dnspolicy.engines.rego.reading` reads a Task (MessagePack) and writes a Done. Reading JSON makes an object of
each value, which lets nothing else run: 80 ms for 100,000 names. What comes back is a few bytes strings.
"""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

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
    package = str(Path(__file__).resolve().parents[3])
    paths = [package, *[path for path in [os.environ.get("PYTHONPATH")] if path]]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "dnspolicy.engines.rego.reading"],
            input=msgspec.msgpack.encode(task),
            capture_output=True,
            timeout=limits.check_seconds,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
    except subprocess.TimeoutExpired:
        return _failed(f"reading the files took longer than {limits.check_seconds:g} s")
    except OSError as problem:
        return _failed(f"a process to read the files cannot be started: {problem.strerror}")
    if done.returncode != 0:
        return _failed(
            f"reading the files needed more memory than it may have ({limits.check_bytes >> 20} MiB), or ended with "
            f"code {done.returncode}"
        )
    found = msgspec.msgpack.decode(done.stdout, type=Done)
    return found.sources, list(found.complaints)


def _size(folders: Sequence[Path], more: Sequence[SourceFile]) -> int:
    """Bytes of data there are, about."""
    known = sum(len(file.raw) for file in more if Path(file.file).name in DATA_FILES)
    return known + sum(data_files(folders))


def _failed(what: str) -> tuple[Sources, list[Complaint]]:
    return Sources((), b"{}", ""), [Complaint("data", 0, 0, what)]


def main() -> None:
    """The process."""
    gc.disable()  # a short life with many objects
    task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Task)
    resource.setrlimit(resource.RLIMIT_AS, (task.limits.check_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
    sources, complaints = read([Path(folder) for folder in task.folders], task.limits, more=task.more)
    sys.stdout.buffer.write(msgspec.msgpack.encode(Done(sources, tuple(complaints))))


if __name__ == "__main__":
    main()
