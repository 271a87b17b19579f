"""`python -m tests.bench.engines.asker COREFILE --in-flight N --seconds S`: questions to the engine of a Corefile.

Writes one Measured as JSON. It holds no decision: every question is decided.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import threading
import time
from itertools import cycle
from pathlib import Path

import msgspec
import uvloop

from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.app.reading import read_plan
from dnspolicy.app.supply import supply_of
from dnspolicy.chain.clock import SystemClock
from dnspolicy.cli.serve import GC_THRESHOLD
from dnspolicy.model.errors import EngineError
from dnspolicy.plugins import policy
from dnspolicy.policy.engine import Engine
from tests.bench.engines.measured import Measured, Meter, measured
from tests.bench.engines.questions import questions

DEADLINE = 1.0
"""Seconds for one question: what is measured is how fast, not how late."""
WARM_UP = 0.5


async def ask(engine: Engine, in_flight: int, seconds: float, deadline: float, beside: int) -> Measured:
    """`in_flight` questions at a time, for so long. `deadline` in seconds, for each."""
    waiting = cycle(questions())
    took: list[float] = []
    failures: list[str] = []
    now = time.monotonic

    async def one(until: float) -> None:
        for question in waiting:
            began = now()
            if began >= until:
                return
            try:
                verdict = await engine.decide(question, began + deadline)
            except EngineError as problem:
                failures.append(str(problem))
                await asyncio.sleep(0)
                continue
            took.append(now() - began)
            if verdict is None:
                failures.append("undefined")

    await asyncio.gather(*(one(now() + WARM_UP) for _ in range(in_flight)))
    took.clear()
    failures.clear()
    meter, began = Meter(beside), now()
    await asyncio.gather(*(one(began + seconds) for _ in range(in_flight)))
    why = failures[0] if failures else ""
    return measured(took, len(failures), now() - began, meter.used(), why)


async def _run(plan: Plan, in_flight: int, seconds: float, deadline: float, beside: int) -> Measured:
    config = next(config for block in plan.blocks for config in block.all(policy.Config))
    parts = Parts(SystemClock(), _unheard, _unheard)
    supply = supply_of(config, plan, parts, threading.get_ident())
    await supply.settle()
    await supply.start(lambda: None)
    gc.collect()
    gc.freeze()
    try:
        return await ask(supply.engine, in_flight, seconds, deadline, beside)
    finally:
        await supply.stop()


def _unheard(_: str) -> None:
    """Nobody reads it."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("corefile", type=Path)
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--deadline", type=float, default=DEADLINE)
    parser.add_argument("--beside", type=int, default=0)
    asked = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLD)
    plan = read_plan(asked.corefile, os.environ, 53)
    found = uvloop.run(_run(plan, asked.in_flight, asked.seconds, asked.deadline, asked.beside))
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
