"""`python -m tests.bench.engines.memory WHICH --seconds S`: what a decision costs that is remembered.

WHICH is the footprint: `small` (the client's namespace and the name) or `typical` (labels of pod and namespace, name,
type and target). Each question is read from bytes of its own, as a packet is, and asked once; reading does not count.
Writes one Measured as JSON, whose p50 and p99 are of batches.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import Any

import msgspec

from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.verdict import Action, Verdict
from dnspolicy.plugins.policy.config import Config
from dnspolicy.plugins.policy.judge import Judge
from dnspolicy.policy.decisions import DecisionCache
from dnspolicy.policy.footprint import Footprint, Path
from dnspolicy.policy.input import PolicyInput
from dnspolicy.testing.static import StaticEngine
from tests.bench.engines.measured import Measured, measured
from tests.bench.engines.questions import questions

NAMES = 200
"""Names that are asked for, as in the other rows."""
BATCH = 500
SMALL: frozenset[Path] = frozenset({("client", "namespace"), ("query", "name")})
TYPICAL: frozenset[Path] = SMALL | {
    ("client", "labels", "environment"),
    ("client", "namespace_labels", "environment"),
    ("query", "type"),
    ("target", "kind"),
    ("target", "namespace"),
    ("target", "namespace_labels", "team"),
}
FOOTPRINTS = {"small": SMALL, "typical": TYPICAL}


def asked_again(known: list[PolicyInput], count: int) -> list[PolicyInput]:
    """The same questions of other packets."""
    found = []
    for number in range(count):
        one = known[number % len(known)]
        name = from_text(str(one.query.name))
        found.append(PolicyInput(one.phase, one.client, Query(name, 1, name), one.target))
    return found


async def _nobody(*_: Any, **__: Any) -> Any:
    """Nothing is resolved."""


def run(which: str, seconds: float) -> Measured:
    clock, metrics = SystemClock(), Metrics()
    engine = StaticEngine(Verdict(Action.ALLOW, "any", "any"), footprint=Footprint(FOOTPRINTS[which]))
    decisions = DecisionCache(10_000, clock, metrics)
    judge = Judge(Config(rego=("policy",)), engine, decisions, clock=clock, metrics=metrics)
    known = questions(NAMES)

    def context(question: PolicyInput) -> QueryContext:
        now = clock.monotonic()
        client = question.client
        return QueryContext(client.ip, 53000, now, now + 60, _nobody, identity=client, judgements=[])

    async def learn() -> None:
        for question in known:
            await judge.decide(question, context(question))

    asyncio.run(learn())
    took: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        again = asked_again(known, BATCH)
        contexts = [context(question) for question in again]
        recall = judge.recall
        start = time.perf_counter()
        for question, ctx in zip(again, contexts, strict=True):
            recall(question, ctx)
        took.append((time.perf_counter() - start) / BATCH)
        if not all(ctx.judgements for ctx in contexts):
            raise RuntimeError("a decision was not remembered")
    spent = sum(took) * BATCH
    found = measured(took, 0, spent, (spent, 0.0))
    return msgspec.structs.replace(found, done=len(took) * BATCH)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("which", choices=FOOTPRINTS)
    parser.add_argument("--seconds", type=float, default=1.0)
    asked = parser.parse_args()
    sys.stdout.buffer.write(msgspec.json.encode(run(asked.which, asked.seconds)))


if __name__ == "__main__":
    main()
