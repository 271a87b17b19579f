"""What came of a run."""

from __future__ import annotations

import resource
from collections.abc import Sequence

import msgspec
import psutil


class Measured(msgspec.Struct, frozen=True):
    """`seconds` from first to last; `p50`, `p99` and `worst` of one question, in seconds; `cpu` of whoever asked.

    `beside` is the CPU of the process that was asked meanwhile.
    """

    done: int
    failed: int
    seconds: float
    p50: float
    p99: float
    worst: float
    cpu: float
    beside: float = 0.0
    why: str = ""
    """The first failure."""

    @property
    def per_second(self) -> float:
        return self.done / self.seconds if self.seconds else 0.0


class Meter:
    """CPU of this process, and of the one with this id beside it (0 for none), from now on. Seconds."""

    def __init__(self, beside: int = 0) -> None:
        self._other = psutil.Process(beside) if beside else None
        self._began = self._now()

    def _now(self) -> tuple[float, float]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        other = self._other.cpu_times() if self._other is not None else None
        return used.ru_utime + used.ru_stime, other.user + other.system if other is not None else 0.0

    def used(self) -> tuple[float, float]:
        """Of this process and of the other one."""
        now = self._now()
        return now[0] - self._began[0], now[1] - self._began[1]


def measured(took: Sequence[float], failed: int, seconds: float, cpu: tuple[float, float], why: str = "") -> Measured:
    """`took` is the time of each question that was answered."""
    ordered = sorted(took) or [0.0]
    at = len(ordered)
    return Measured(
        len(took), failed, seconds, ordered[at // 2], ordered[min(at - 1, at * 99 // 100)], ordered[-1], *cpu, why
    )
