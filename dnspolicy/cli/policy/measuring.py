"""`dnspolicy policy test --bench`: a test over and over, as Go's benchmarks do it and print it."""

from __future__ import annotations

from typing import Any

import msgspec

from dnspolicy.engines.rego.suite import Result, Suite

MOST = 1_000_000_000
GROWTH = 100
"""How many times as often a test is repeated in the next round at most."""


class Measured(msgspec.Struct, frozen=True):
    """So many evaluations took so many seconds together."""

    times: int
    seconds: float

    def __str__(self) -> str:
        each = self.seconds * 1e9 / self.times
        return f"{self.times:8d}\t{each:{'10.0f' if each >= 100 else '10.2f'}} ns/op"


def measure(suite: Suite, test: Result, seconds: float) -> Measured:
    """Repeat a test, ever more often, until that takes so many seconds. Raises RegoError."""
    times = 1
    while True:
        took = suite.repeat(test, times)
        if took >= seconds or times >= MOST:
            return Measured(times, took)
        guess = int(times * 1.2 * seconds / max(took, 1e-9))
        times = min(max(guess, times + 1), times * GROWTH, MOST)


def benchmark(measured: Measured) -> dict[str, Any]:
    """As `opa test --bench --format json` has it. Memory is not measured."""
    total = round(measured.seconds * 1e9)
    extra = {"timer_rego_query_eval_ns/op": total / measured.times} if measured.times else None
    row = {"N": measured.times, "T": total, "Bytes": 0, "MemAllocs": 0, "MemBytes": 0, "Extra": extra}
    return {"duration": total, "benchmark_result": row} if measured.times else {"benchmark_result": row}


def gobench(name: str) -> str:
    """The name of a test as Go names benchmarks: `data.a_b.test_c` is BenchmarkDataABTestC."""
    words = name.replace(".", "_").split("_")
    return "Benchmark" + "".join(word[:1].upper() + word[1:] for word in words)
