"""A process that writes an audit file: `audit_writer.py FILE COUNT [BYTES]`; COUNT 0 is without end.

BYTES: how long the file may grow before the system refuses to write, until `room` comes on standard input.
"""

from __future__ import annotations

import itertools
import resource
import signal
import sys
import time
from pathlib import Path

from audit_outcomes import outcome, verdict

from dnspolicy.audit.log import AuditLog
from dnspolicy.audit.render import Renderer
from dnspolicy.audit.sinks import FileSink
from dnspolicy.audit.stream import Stream
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.verdict import AuditLevel


def main(file: str, count: int, most: int) -> None:
    metrics, clock = Metrics(), SystemClock()
    if most:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    sink = FileSink(Path(file), clock)
    stream = Stream(sink, Renderer(AuditLevel.FULL, str(time.time_ns())), clock=clock, metrics=metrics, tell=say)
    log = AuditLog(stream, metrics=metrics, capacity=200)
    log.start()
    for n in range(count) if count else itertools.count():
        log.seen(outcome(verdict()))
        if not count and n % 20 == 0:
            time.sleep(0.001)
    if most:
        assert sys.stdin.readline() == "room\n"
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    say(f"left {log.stop(60)}")


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
