"""Work in a short-lived process of its own, which may be slow, need memory and fail without taking the server along."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import msgspec


class Ended(msgspec.Struct, frozen=True):
    """What a process wrote, and its exit code: negative for a signal. `late`: it was killed for taking too long."""

    output: bytes
    code: int
    late: bool = False

    def why(self, seconds: float, memory: int) -> str:
        """What went wrong, for people, with the limits that it had (`memory` in bytes): "… took longer than 5 s"."""
        if self.late:
            return f"took longer than {seconds:g} s"
        if self.code == -signal.SIGKILL:
            return "was killed"
        return f"needed more memory than it may have ({memory >> 20} MiB), or failed with code {self.code}"


def run(module: str, task: bytes, seconds: float) -> Ended:
    """Run a module of this package with a task as its input. Blocks. Raises OSError when it cannot be started."""
    command = [sys.executable, "-m", module]
    try:
        done = subprocess.run(command, input=task, capture_output=True, timeout=seconds, check=False, env=environment())
    except subprocess.TimeoutExpired as late:
        return Ended(late.stdout or b"", -signal.SIGKILL, late=True)
    return Ended(done.stdout, done.returncode)


def environment() -> dict[str, str]:
    """That of this process, in which this package is found wherever it lies."""
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *[path for path in [os.environ.get("PYTHONPATH")] if path]]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "RUST_BACKTRACE": "0"}


def confine(memory: int) -> None:
    """Let this process have no more than so many bytes, and leave no core behind."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
