"""Checks one policy after another, in a process of its own: `python -m dnspolicy.engines.tiers.worker`.

Reads a size (8 bytes) and a Job (MessagePack), again and again; writes for each what `engines.rego.check` writes. What
hangs or takes too much memory ends the process, as there.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys

import msgspec

from dnspolicy.engines.rego.check import Job, check
from dnspolicy.engines.rego.confined import LOOKING, READING

MEMORY = 1 << 30
"""Bytes of address space."""


def main() -> None:
    """The process."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # regorus prints to standard output
    gc.disable()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    decoder = msgspec.msgpack.Decoder(Job)
    while size := sys.stdin.buffer.read(8):
        job = decoder.decode(sys.stdin.buffer.read(int.from_bytes(size, "big")))

        def begins(file: str, what: str, job: Job = job) -> None:
            out.write(b"@ " + msgspec.json.encode((file, what)) + b"\n")
            out.flush()
            finite = what in (READING, LOOKING)
            signal.setitimer(signal.ITIMER_PROF, job.limits.check_seconds if finite else job.limits.rule_seconds)

        report = check(job, begins)
        signal.setitimer(signal.ITIMER_PROF, 0)
        out.write(b"= " + msgspec.json.encode(report) + b"\n")
        out.flush()
        del job, report
        gc.collect()


if __name__ == "__main__":
    main()
