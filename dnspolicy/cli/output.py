"""Lines for standard output and standard error, written by a thread: a reader that stalls must not stop the server."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dnspolicy.audit.sinks import StreamSink

ROOM = 1024 * 1024
"""Characters that wait for the reader at most."""
TOGETHER = 0.01
"""Seconds for which lines are collected, so that the thread does not run for each of them."""
LAST = 2.0
"""Seconds that the reader has for what is left at the end."""


class Output:
    """Writes whole lines to an open file descriptor, in order. `write` may be called by any thread and never waits.

    Lines that do not fit into `room` are dropped; where they would stand, a line says how many there were. When that
    begins, `tell` hears of it once, until the reader has caught up.
    """

    def __init__(self, fd: int, name: str, *, room: int = ROOM, tell: Callable[[str], object] | None = None) -> None:
        self._fd = fd
        self._name = name
        self._sink = StreamSink(fd, name)
        self._room = room
        self._tell = tell
        self._lock = threading.Lock()
        self._awake, self._closing = threading.Event(), threading.Event()
        self._lines: list[str] = []
        self._size = 0
        self._dropped = 0
        self._stalled = False
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Take a line without newline. Raises BlockingIOError when it is dropped, ValueError once closed."""
        with self._lock:
            if self._closing.is_set():
                raise ValueError(f"{self._name} is closed")
            fits = self._size + len(line) <= self._room
            if fits:
                self._lines.append(line)
                self._size += len(line) + 1
            else:
                self._dropped += 1
                first, self._stalled = not self._stalled, True
        if fits:
            if not self._awake.is_set():
                self._awake.set()
            return
        if first and self._tell is not None:
            self._tell(f"[WARNING] {self._name} is not being read; lines are dropped")
        raise BlockingIOError(f"{self._name} is not being read")

    def say(self, line: str) -> None:
        """`write`, but a line that is dropped counts as lost."""
        try:
            self.write(line)
        except (OSError, ValueError):
            with self._lock:
                self._lost += 1

    def lost(self) -> int:
        """How many lines `say` or the thread could not get rid of since this was last asked."""
        with self._lock:
            lost, self._lost = self._lost, 0
        return lost

    def close(self, seconds: float = LAST) -> None:
        """Write what is left, within so many seconds."""
        with self._lock:
            self._closing.set()
        self._awake.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._awake.wait()
            self._closing.wait(TOGETHER)
            self._awake.clear()
            self._pass_on()
        self._pass_on()

    def _pass_on(self) -> None:
        with self._lock:
            lines, dropped = self._lines, self._dropped
            self._lines, self._size, self._dropped = [], 0, 0
            self._stalled = self._stalled and dropped > 0
        if dropped:
            lines.append(f"[WARNING] {dropped} lines were dropped here, as nobody read them")
        if not lines:
            return
        text = "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")
        try:
            self._insist(text)
        except OSError:
            with self._lock:
                self._lost += len(lines) - (dropped > 0)

    def _insist(self, text: bytes) -> None:
        """Wait for the reader as long as it takes. Raises OSError when there is none any more."""
        while True:
            try:
                self._sink.write(text)
            except BlockingIOError:
                continue
            except OSError:
                self._sink = StreamSink(self._fd, self._name)  # it would go on with these lines
                raise
            return


class Lines(logging.Handler):
    """Log records become lines of an output."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        self._output.say(self.format(record))


@contextmanager
def outputs(out: int, err: int) -> Iterator[tuple[Output, Output]]:
    """Of these descriptors; one and the same where both lead to one place, so that their lines keep their order."""
    error = Output(err, "standard error")
    normal = error if _one_place(out, err) else Output(out, "standard output", tell=error.say)
    try:
        yield normal, error
    finally:
        normal.close()
        error.close()


def _one_place(one: int, other: int) -> bool:
    first, second = os.fstat(one), os.fstat(other)
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
