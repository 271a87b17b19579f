"""Parses a large document in a process of its own, so that no answer waits while a stranger's text is read.

`python -m dnspolicy.feeds.apart` reads a Job (MessagePack) and writes a Done.
"""

from __future__ import annotations

import os
import sys

import msgspec

from dnspolicy.chain.apart import confine, run
from dnspolicy.feeds.failures import FeedFailure, bad_document, fault
from dnspolicy.feeds.formats import Parsed, parse
from dnspolicy.policy.settings.feeds import DataFormat

SMALL = 65_536
"""Bytes up to which a process of its own would take longer than it is worth."""
SECONDS = 60.0
MEMORY = 3 << 30
"""Bytes of address space."""


class Job(msgspec.Struct, frozen=True):
    """`name` is what complaints call the document."""

    form: DataFormat
    raw: bytes
    name: str


class Done(msgspec.Struct, frozen=True):
    """A document in JSON and its revision, or what is wrong with it."""

    encoded: bytes = b""
    revision: str = ""
    problem: str = ""


def parse_apart(form: DataFormat, raw: bytes, name: str) -> Parsed:
    """As `parse`; blocks for 0.2 s and more when it is large. Raises FeedFailure, a fault when it was not read."""
    if len(raw) <= SMALL:
        return parse(form, raw, name)
    try:
        done = run("dnspolicy.feeds.apart", msgspec.msgpack.encode(Job(form, raw, name)), SECONDS)
    except OSError as problem:
        raise fault(f"{name}: a process to read it cannot be started: {problem.strerror}") from None
    if done.code != 0:
        raise fault(f"{name}: reading it {done.why(SECONDS, MEMORY)}")
    found = msgspec.msgpack.decode(done.output, type=Done)
    if found.problem:
        raise bad_document(found.problem)
    return found.encoded, found.revision


def main() -> None:
    """The process."""
    confine(MEMORY)
    os.nice(5)
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    try:
        encoded, revision = parse(job.form, job.raw, job.name)
        done = Done(encoded, revision)
    except FeedFailure as problem:
        done = Done(problem=str(problem))
    sys.stdout.buffer.write(msgspec.msgpack.encode(done))


if __name__ == "__main__":
    main()
