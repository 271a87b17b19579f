"""The embedded engine."""

from __future__ import annotations

import json

from dnspolicy.engines.rego import Loaded, RegoEngine, load
from dnspolicy.policy.engine import Engine
from tests.contract.rigs.base import UNDEFINED, Break, Rig


class RegoRig(Rig):
    engine: RegoEngine

    def start(self, decision: object, broken: Break | None = None) -> Engine:
        self.engine = RegoEngine(self._load(decision))
        return self.engine

    def change(self, decision: object) -> None:
        self.engine.swap(self._load(decision))

    def _load(self, decision: object) -> Loaded:
        (self.folder / "p.rego").write_text("package dnspolicy\ndecision := data.given\n")
        given = {} if decision is UNDEFINED else {"given": decision}
        (self.folder / "data.json").write_text(json.dumps(given))
        return load([self.folder], isolated=False)
