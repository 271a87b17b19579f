"""Opens a bundle in a process of its own: unpacking and checking what a stranger sent takes time and memory.

`python -m dnspolicy.engines.rego.opening` reads a Job (MessagePack) and writes an Opened.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from dnspolicy.bundle import Bundle, BundleError, BundleNotOpened, Limits, Trust, open_bundle
from dnspolicy.chain.apart import confine, run
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
    """Open a bundle; 0.2 s and more. Blocks. Raises BundleError, BundleNotOpened."""
    try:
        done = run("dnspolicy.engines.rego.opening", msgspec.msgpack.encode(job), SECONDS)
    except OSError as problem:
        raise BundleNotOpened(f"a process to open it cannot be started: {problem.strerror}").of(job.name) from None
    if done.code != 0:
        raise BundleNotOpened(f"opening it {done.why(SECONDS, MEMORY)}").of(job.name)
    opened = msgspec.msgpack.decode(done.output, type=Opened)
    if opened.bundle is None:
        raise BundleError(opened.problem)
    return opened.bundle


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
    confine(MEMORY)
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    try:
        result = Opened(opened(job))
    except BundleError as problem:
        result = Opened(problem=str(problem))
    sys.stdout.buffer.write(msgspec.msgpack.encode(result))


if __name__ == "__main__":
    main()
