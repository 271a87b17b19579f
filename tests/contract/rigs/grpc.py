"""The `grpc` engine, before a decision point that is made for tests, and before our own."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from dnspolicy.app.parts import Parts
from dnspolicy.app.pdp import Options, Pdp
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.grpc import GrpcSupply
from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.policy.decode import decode
from dnspolicy.policy.engine import Engine
from dnspolicy.policy.settings.grpc import GrpcMode, GrpcSettings
from dnspolicy.testing.pdp import DecisionPoint, Fault
from dnspolicy.testing.static import Says, StaticEngine, StaticSupply
from tests.contract.rigs.base import UNDEFINED, Break, Rig
from tests.contract.rigs.says import response_of

FAULTS = {Break.SLOW: Fault.SLOW, Break.HUNG: Fault.HUNG, Break.GARBAGE: Fault.EMPTY}


class GrpcRig(Rig):
    """What all have in common."""

    mode = GrpcMode.STREAM
    supply: GrpcSupply | None = None

    def connect(self, *targets: str) -> Engine:
        settings = GrpcSettings(targets=targets, mode=self.mode, connect=0.5, refresh=0.2, failures=3)
        self.supply = GrpcSupply(settings, Path, metrics=Metrics(), monotonic=time.monotonic)
        self.engine = self.supply.engine
        self.run(self.supply.start(lambda: None))
        return self.engine

    def close(self) -> None:
        if self.supply is not None:
            self.run(self.supply.stop())
        super().close()


class FakePointRig(GrpcRig):
    breaks = frozenset(Break)
    restarts = True

    def start(self, decision: object, broken: Break | None = None) -> Engine:
        revision = _hash(decision)
        answer = response_of(decision, revision)
        self.point = DecisionPoint(lambda _: answer)
        self.point.info = pb.GetInfoResponse(engine="testing", revision=revision)
        self.point.delay = 1.0
        self.run(self.point.start())
        if broken is not None:
            self.break_(broken)
        return self.connect(self.point.address)

    def change(self, decision: object) -> None:
        revision = _hash(decision)
        answer = response_of(decision, revision)
        self.run(_called(lambda: self.point.change(pb.GetInfoResponse(revision=revision), lambda _: answer)))
        self.await_true(lambda: self.engine.revision == revision)

    def break_(self, kind: Break) -> None:
        if kind is Break.DEAD:
            self.run(self.point.stop())
        else:
            self.point.fault = FAULTS[kind]

    def mend(self) -> None:
        self.point.fault = None
        if not self.point.listening:
            self.run(self.point.start())

    def restart(self) -> None:
        self.run(self.point.stop())
        self.run(self.point.start())

    def close(self) -> None:
        if self.supply is not None:
            self.run(self.supply.stop())
            self.supply = None
        self.run(self.point.stop())
        super().close()


class FakePointUnaryRig(FakePointRig):
    mode = GrpcMode.UNARY


class EnginePdpRig(GrpcRig):
    """Our own decision point over any engine."""

    def serve(self, engine: Engine) -> Engine:
        """The engine that asks for the verdicts of another one."""
        self.held = StaticSupply(engine)
        self.run(self._serve())
        return self.connect(f"unix:{self.folder / 's'}")

    async def _serve(self) -> None:
        parts = Parts(SystemClock(), print, print)
        options = Options((f"unix:{self.folder / 's'}",), drain=0.0)
        self.pdp = Pdp(self.held, options, parts, timeout=5.0)
        await self.pdp.start()

    def close(self) -> None:
        if self.supply is not None:
            self.run(self.supply.stop())
            self.supply = None
        self.run(self.pdp.stop())
        super().close()


class PdpRig(EnginePdpRig):
    """The same over the engine that is used in tests."""

    def start(self, decision: object, broken: Break | None = None) -> Engine:
        self.static = StaticEngine(_says(decision), revision=_hash(decision))
        return self.serve(self.static)

    def change(self, decision: object) -> None:
        revision = _hash(decision)
        self.static.swap(_says(decision), revision)
        self.run(_called(self.held.changed))
        self.await_true(lambda: self.engine.revision == revision)


async def _called(work: object) -> None:
    """Do something while the event loop runs."""
    assert callable(work)
    work()
    await asyncio.sleep(0)


def _says(decision: object) -> Says:
    return lambda _: None if decision is UNDEFINED else decode(json.dumps(decision), _hash(decision))


def _hash(decision: object) -> str:
    return f"r{abs(hash(repr(decision)))}"
