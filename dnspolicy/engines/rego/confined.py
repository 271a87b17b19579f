"""Both sides of a process that looks at policies within limits, and says at each moment what it is at.

It reads a task (MessagePack) and writes lines of JSON: `@ [file, what is done with it now]`, and at the end `= ` with
its answer. CPU time over the limit ends it by SIGPROF, memory by SIGABRT, depth by SIGSEGV.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeVar

import msgspec

from dnspolicy.chain.apart import confine, run
from dnspolicy.engines.rego.errors import Complaint
from dnspolicy.engines.rego.sources import Limits

READING = "reading the rules"
LOOKING = "looking at the rules"
"""Work of our own, which takes as long as the rules are many but ends."""
Begins = Callable[[str, str], None]
"""Told which file, and what in it, is parsed or evaluated next; starts its CPU time anew."""
Answer = Callable[[Any], None]
"""Takes what was found."""
T = TypeVar("T")


def ask(module: str, task: bytes, limits: Limits) -> bytes | Complaint:
    """The answer to a task (JSON), or what ended the process. Blocks."""
    try:
        done = run(module, task, limits.check_seconds)
    except OSError as problem:
        return Complaint("policy", 0, 0, f"the check cannot be started: {problem.strerror}", unchecked=True)
    last = done.output.rstrip(b"\n").rsplit(b"\n", 1)[-1]
    if done.code == 0 and last.startswith(b"= "):
        return last[2:]
    return ended(last, done.code, limits)


def ended(last: bytes, code: int, limits: Limits, why: str = "") -> Complaint:
    """What to say of a process that ended, after this line; `why` if that is known."""
    file, doing = _doing(last)
    return Complaint(file, 0, 0, why or _why(code, doing, limits), unchecked=True)


def _doing(line: bytes) -> tuple[str, str]:
    """The file and the part of it that the process was at."""
    try:
        return msgspec.json.decode(line.removeprefix(b"@ "), type=tuple[str, str])
    except msgspec.DecodeError:
        return "policy", "starting the check"


def _why(code: int, doing: str, limits: Limits) -> str:
    if code == -signal.SIGPROF:
        return f"{doing} took longer than {limits.rule_seconds:g} s"
    if code == -signal.SIGKILL:
        return f"the check took longer than {limits.check_seconds:g} s, or was killed, at {doing}"
    if code in (-signal.SIGABRT, -signal.SIGSEGV, 1):
        return f"{doing} needed more memory or depth than it may have ({limits.check_bytes >> 20} MiB)"
    return f"the check ended with code {code} at {doing}"


@contextmanager
def serve(kind: type[T], limits_of: Callable[[T], Limits]) -> Iterator[tuple[T, Begins, Answer]]:
    """The process: its task, what is told of each step, and what takes the answer."""
    os.nice(5)
    task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=kind)
    limits = limits_of(task)
    yield task, *telling(confined(limits.check_bytes), limits)


def confined(memory: int) -> BinaryIO:
    """Let this process have no more than so many bytes, and end by too much CPU time. Returns where its lines go."""
    out: BinaryIO = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # regorus prints to standard output
    gc.disable()  # millions of small objects, of which few are garbage before the answer
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    confine(memory)
    return out


def telling(out: BinaryIO, limits: Limits) -> tuple[Begins, Answer]:
    """For one task of a confined process: what is told of each step, and what takes the answer."""

    def begins(file: str, what: str) -> None:
        _write(out, b"@ ", (file, what))
        finite = what in (READING, LOOKING)
        signal.setitimer(signal.ITIMER_PROF, limits.check_seconds if finite else limits.rule_seconds)

    def answer(said: Any) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(out, b"= ", said)

    return begins, answer


def _write(out: BinaryIO, sign: bytes, said: Any) -> None:
    out.write(sign + msgspec.json.encode(said) + b"\n")
    out.flush()
