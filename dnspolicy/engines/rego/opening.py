"""Opens a bundle in a process of its own: unpacking and checking what a stranger sent takes time and memory.

`python -m dnspolicy.engines.rego.opening` reads a Job (MessagePack) and writes an Opened.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from dnspolicy.bundle import Bundle, BundleError, Limits, Trust, open_bundle
from dnspolicy.engines.rego.datafile import parse_data
from dnspolicy.engines.rego.errors import Complaint

SECONDS = 60.0
MEMORY = 3 << 30
"""Bytes: a large bundle, its files and the values in them."""


class Job(msgspec.Struct, frozen=True):
    """`name` is how the bundle is called."""

    name: str
    raw: bytes
    trust: Trust
    limits: Limits


class Opened(msgspec.Struct, frozen=True):
    """A bundle, or what is wrong with it."""

    bundle: Bundle | None = None
    problem: str = ""


def open_apart(job: Job) -> Bundle:
    """Open a bundle; 0.2 s and more. Blocks. Raises BundleError."""
    package = str(Path(__file__).resolve().parents[3])
    paths = [package, *[p for p in [os.environ.get("PYTHONPATH")] if p]]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "dnspolicy.engines.rego.opening"],
            input=msgspec.msgpack.encode(job),
            capture_output=True,
            timeout=SECONDS,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
    except subprocess.TimeoutExpired:
        raise BundleError(f"opening it took longer than {SECONDS:g} s").of(job.name) from None
    except OSError as problem:
        raise BundleError(f"a process to open it cannot be started: {problem.strerror}").of(job.name) from None
    if done.returncode != 0:
        raise BundleError(f"opening it {_ended(done.returncode)}").of(job.name)
    opened = msgspec.msgpack.decode(done.stdout, type=Opened)
    if opened.bundle is None:
        raise BundleError(opened.problem)
    return opened.bundle


def _ended(code: int) -> str:
    if code == -signal.SIGKILL:
        return "was killed"
    return f"needed more memory than it may have ({MEMORY >> 20} MiB), or failed with code {code}"


def opened(job: Job) -> Bundle:
    """The same in this process. Raises BundleError."""
    return open_bundle(job.name, job.raw, read_yaml=read_yaml, trust=job.trust, limits=job.limits)


def read_yaml(raw: bytes) -> Any:
    """A YAML document, read as the policy will see it. Raises BundleError."""
    complaints: list[Complaint] = []
    value = parse_data(Path("data.yaml"), raw, complaints)
    if complaints:
        raise BundleError(complaints[0].what, "data.yaml")
    return value


def main() -> None:
    """The process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    try:
        result = Opened(opened(job))
    except BundleError as problem:
        result = Opened(problem=str(problem))
    sys.stdout.buffer.write(msgspec.msgpack.encode(result))


if __name__ == "__main__":
    main()
