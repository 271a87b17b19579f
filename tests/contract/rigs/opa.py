"""The `opa` engine, with an OPA that is fake in `make test` and real in `make test-real`."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.opa import Files, OpaSupply, Sources
from dnspolicy.policy.engine import Engine
from dnspolicy.policy.settings.opa import Opa
from dnspolicy.testing import opa as fake
from dnspolicy.testing.opa import FakeOpa
from dnspolicy.testing.opatricks import Trick
from tests.contract.rigs.base import UNDEFINED, Break, Rig
from tests.peers.find import find
from tests.unit.engines.opa.control import Control

TRICKS = {Break.SLOW: Trick.SLOW, Break.HUNG: Trick.HUNG, Break.GARBAGE: Trick.HTML}
POLICY = "package dnspolicy\n\n# {}\ndecision := data.given\n"


class OpaRig(Rig):
    """What the two have in common."""

    breaks = frozenset(Break)
    restarts = True
    supply: OpaSupply | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    def put(self, decision: object) -> None:
        """Have OPA decide so from now on."""
        raise NotImplementedError

    def start(self, decision: object, broken: Break | None = None) -> Engine:
        self.put(decision)
        if broken is not None:
            self.break_(broken)
        self.supply = OpaSupply(
            Opa((self.url,)),
            Sources(Files()),
            "data.dnspolicy.decision",
            reload=0.05,
            metrics=Metrics(),
            monotonic=time.monotonic,
        )
        self.engine = self.supply.engine
        self.run(self.supply.start(lambda: None))
        return self.engine

    def change(self, decision: object) -> None:
        before = self.engine.revision
        self.put(decision)
        self.await_true(lambda: self.engine.revision != before)

    def close(self) -> None:
        if self.supply is not None:
            self.run(self.supply.stop())
        super().close()


class FakeOpaRig(OpaRig):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._opa = FakeOpa()
        self._opa.start()

    @property
    def url(self) -> str:
        return self._opa.url

    def put(self, decision: object) -> None:
        self._opa.says = fake.UNDEFINED if decision is UNDEFINED else decision
        self._opa.policies["p"] = POLICY.format(repr(decision))

    def break_(self, kind: Break) -> None:
        if kind is Break.DEAD:
            self._opa.stop()
        else:
            self._opa.trick = TRICKS[kind]

    def mend(self) -> None:
        self._opa.trick = Trick.NONE
        self._opa.start()

    def restart(self) -> None:
        self._opa.stop()
        self._opa.start()

    def close(self) -> None:
        super().close()
        self._opa.stop()


class RealOpaRig(OpaRig):
    """Slow is a policy that takes its time, hung a process that is stopped."""

    programs = ("opa",)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        program = find("opa")
        assert program is not None
        self._control = Control(program, folder)
        self._control.start()
        self._decision: object = UNDEFINED

    @property
    def url(self) -> str:
        return self._control.url

    def put(self, decision: object) -> None:
        self._decision = decision
        if self._control.is_running:
            self._give("data.given", decision)

    def _give(self, rule: str, decision: object) -> None:
        text = POLICY.format(abs(hash(repr(decision)))).replace("data.given", rule)
        if decision is UNDEFINED:
            self._control.ask("DELETE", "/v1/data/given")
        else:
            self._control.ask("PUT", "/v1/data/given", json.dumps(decision).encode())
        self._control.ask("PUT", "/v1/policies/p", text.encode())

    def break_(self, kind: Break) -> None:
        match kind:
            case Break.DEAD:
                self._control.stop()
            case Break.HUNG:
                self._control.stand_still()
            case Break.SLOW:
                self._control.ask("PUT", "/v1/policies/p", SLOW.encode())
            case Break.GARBAGE:
                self._control.ask("PUT", "/v1/policies/p", GARBAGE.encode())

    def mend(self) -> None:
        self._control.signal(signal.SIGCONT)
        self._control.start()
        self.put(self._decision)

    def restart(self) -> None:
        self._control.stop()
        self._control.start()
        self.put(self._decision)

    def close(self) -> None:
        self._control.signal(signal.SIGCONT)
        super().close()
        self._control.close()


SLOW = """package dnspolicy

decision := data.given if count([x | some x in numbers.range(1, 3000000); x < 0]) == 0
"""
GARBAGE = "package dnspolicy\n\ndecision := 1\n\ndecision := 2 if input.version == 1\n"
"""Two values for one rule: OPA replies with an error."""
