"""The engine that is used in tests."""

from __future__ import annotations

import json
from collections.abc import Callable

from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.decode import decode
from dnspolicy.policy.engine import Engine
from dnspolicy.policy.input import PolicyInput
from dnspolicy.testing.static import StaticEngine
from tests.contract.rigs.base import UNDEFINED, Break, Rig


class StaticRig(Rig):
    engine: StaticEngine

    def start(self, decision: object, broken: Break | None = None) -> Engine:
        self.engine = StaticEngine(_says(decision), revision=_hash(decision))
        return self.engine

    def change(self, decision: object) -> None:
        self.engine.swap(_says(decision), _hash(decision))


def _says(decision: object) -> Callable[[PolicyInput], Verdict | None]:
    return lambda _: None if decision is UNDEFINED else decode(json.dumps(decision), _hash(decision))


def _hash(decision: object) -> str:
    return str(abs(hash(repr(decision))))
