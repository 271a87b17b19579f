"""Has policies checked by a process that lives for a while: a start costs 0.3 s, a check some milliseconds."""

from __future__ import annotations

import subprocess
import sys
import threading

import msgspec

from dnspolicy.chain.apart import environment
from dnspolicy.engines.rego.check import Job, Report
from dnspolicy.engines.rego.load import ended

JOBS = 200
"""Checks of one process."""


class Checker:
    """For one thread at a time. `check` blocks; the process is there from the first check until `close`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._left = 0

    def check(self, job: Job) -> Report:
        """What is found in a policy, also when looking at it ended the process."""
        try:
            return self._check(job, self._running())
        except OSError as problem:
            self.close()
            return ended(b"", 0, job.limits, f"the check cannot be done: {problem.strerror or problem}")

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._left > 0:
            self._left -= 1
            return self._process
        self.close()
        self._left = JOBS - 1
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dnspolicy.engines.tiers.check_process"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(),
        )  # fmt: skip
        return self._process

    def _check(self, job: Job, process: subprocess.Popen[bytes]) -> Report:
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Timer(job.limits.check_seconds, process.kill)
        late.start()
        last = b""
        try:
            raw = msgspec.msgpack.encode(job)
            process.stdin.write(len(raw).to_bytes(8, "big") + raw)
            process.stdin.flush()
            for line in process.stdout:
                last = line.rstrip(b"\n")
                if last.startswith(b"= "):
                    return msgspec.json.decode(last[2:], type=Report)
            code = process.wait()
        finally:
            late.cancel()
        self.close()
        return ended(last, code, job.limits)
