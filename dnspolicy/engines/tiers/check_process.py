"""Checks one policy after another, in a process of its own: `python -m dnspolicy.engines.tiers.check_process`.

Reads a size (8 bytes) and a Job (MessagePack), again and again; writes for each what `engines.rego.check` writes. What
hangs or takes too much memory ends the process, as there.
"""

from __future__ import annotations

import gc
import sys

import msgspec

from dnspolicy.engines.rego.check import Job, check
from dnspolicy.engines.rego.confined import confined, telling

MEMORY = 1 << 30
"""Bytes of address space."""


def main() -> None:
    """The process."""
    out = confined(MEMORY)
    decoder = msgspec.msgpack.Decoder(Job)
    while size := sys.stdin.buffer.read(8):
        job = decoder.decode(sys.stdin.buffer.read(int.from_bytes(size, "big")))
        begins, answer = telling(out, job.limits)
        answer(check(job, begins))
        del job
        gc.collect()


if __name__ == "__main__":
    main()
