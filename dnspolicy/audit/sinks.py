"""Where lines go: a file that may be rotated, or the process's own output."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from dnspolicy.chain.clock import Clock

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
_MODE = 0o640
_TAIL = 64 * 1024
_PATIENCE = 1.0
_HOPELESS = frozenset({errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.EROFS, errno.ELOOP})


class Tail(msgspec.Struct, frozen=True):
    """How a file ended before this process wrote to it. `line` is its last whole line, empty when there is none."""

    line: bytes = b""
    torn: bool = False


class Sink(Protocol):
    """Takes whole lines. Methods raise OSError; only the writer's thread calls them. `name` is for messages."""

    name: str

    def open(self) -> Tail:
        """Make ready for writing."""
        ...

    def write(self, lines: bytes) -> None:
        """Write all of `lines`. After an error, a call with the same lines goes on where the last one ended."""
        ...

    def close(self) -> None: ...


def hopeless(problem: OSError) -> bool:
    """Whether an error of `open` is one of configuration, which waiting does not cure."""
    return problem.errno in _HOPELESS


class StreamSink:
    """An open file descriptor, such as 1 for standard output. It is not closed.

    `patience`: seconds to wait for a reader that takes nothing, where the descriptor does not wait by itself.
    """

    def __init__(self, fd: int, name: str, patience: float = _PATIENCE) -> None:
        self.name = name
        self._fd = fd
        self._patience = patience
        self._done = 0

    def open(self) -> Tail:
        return Tail()

    def write(self, lines: bytes) -> None:
        while self._done < len(lines):
            # No more at once than a pipe takes whole: others may write lines to it too.
            end = lines.rfind(b"\n", self._done, self._done + select.PIPE_BUF) + 1
            self._done += _write(self._fd, memoryview(lines)[self._done : end or None], self._patience)
        self._done = 0

    def close(self) -> None:
        """Nothing: the descriptor belongs to the process."""


class FileSink:
    """A file, appended to, mode 0640. Looks once a second whether the path still names it, and opens it again if not.

    A line that an earlier process left unfinished is ended first, so that it spoils no other. `patience` is for named
    pipes: see StreamSink.
    """

    def __init__(self, path: Path, clock: Clock, patience: float = _PATIENCE) -> None:
        self.name = str(path)
        self._path = path
        self._clock = clock
        self._patience = patience
        self._fd: int | None = None
        self._identity = (0, 0)
        self._look_at = 0.0
        self._done = 0

    def open(self) -> Tail:
        fd = os.open(self._path, _FLAGS, _MODE)
        try:
            status = os.fstat(fd)
            tail = _tail(self._path, status) if _alone(fd) else Tail()
            if tail.torn:
                os.write(fd, b"\n")
        except OSError:
            os.close(fd)
            raise
        self._fd, self._identity = fd, (status.st_dev, status.st_ino)
        self._look_at = self._clock.monotonic() + 1.0
        return tail

    def write(self, lines: bytes) -> None:
        if self._fd is not None and self._clock.monotonic() >= self._look_at and self._moved():
            self.close()
        if self._fd is None:
            self.open()
            self._done = lines.rfind(b"\n", 0, self._done) + 1
        assert self._fd is not None
        while self._done < len(lines):
            self._done += _write(self._fd, memoryview(lines)[self._done :], self._patience)
        self._done = 0

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _moved(self) -> bool:
        self._look_at = self._clock.monotonic() + 1.0
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return True
        return (status.st_dev, status.st_ino) != self._identity


def _alone(fd: int) -> bool:
    """Whether no other writer has the file open: only then does how it ends say how the last one went.

    Every writer holds a shared lock, which the system gives back however a process ends.
    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        alone = problem.errno not in (errno.EAGAIN, errno.EACCES)
    else:
        alone = True
    with suppress(OSError):  # a file system without locks: as if alone
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return alone


def _write(fd: int, data: memoryview, patience: float) -> int:
    """Write some; wait up to `patience` seconds for the reader of a pipe that takes nothing at the moment."""
    try:
        return os.write(fd, data)
    except BlockingIOError:
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        poll.poll(patience * 1000)
        return os.write(fd, data)


def _tail(path: Path, status: os.stat_result) -> Tail:
    """How the file ends; a file that may not be read counts as torn, which costs an empty line at most."""
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return Tail()
    try:
        with path.open("rb") as file:
            file.seek(max(status.st_size - _TAIL, 0))
            end = file.read(_TAIL)
    except PermissionError:
        return Tail(torn=True)
    whole, newline, rest = end.rpartition(b"\n")
    return Tail(whole.rpartition(b"\n")[2] if newline else b"", bool(rest))
