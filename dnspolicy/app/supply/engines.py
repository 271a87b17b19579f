"""Policy engines: one per set of words that name it, and the judges that ask it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.app.supply.build import supply_of
from dnspolicy.app.supply.fed import FedSupply
from dnspolicy.app.supply.feeds import cluster_of
from dnspolicy.app.supply.rego import RegoSupply
from dnspolicy.app.supply.tenants import TenantSupply
from dnspolicy.cluster.apiserver.options import Options
from dnspolicy.engines.rego import Loaded
from dnspolicy.model.answer import NOTHING, Dependencies, Rests
from dnspolicy.plugins.policy import Config, Judge
from dnspolicy.policy.decisions import DecisionCache
from dnspolicy.policy.engine import Supply
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.settings.failure import FailureTable


class _Asked:
    """One engine and the judges that ask it."""

    def __init__(self, supply: Supply) -> None:
        self.supply = supply
        self.judges: dict[Config, Judge] = {}
        self.decisions: dict[Config, DecisionCache] = {}
        self.started = False

    @property
    def in_force(self) -> tuple[str, Footprint]:
        """Revision and footprint now."""
        return self.supply.engine.revision, self.supply.engine.footprint


class Engines:
    """Opens engines when they are first asked for, and keeps them as long as `retain` says, beyond a reload.

    To be made in the thread of queries; `judge` may be called in another one if `settle` follows. `reclassify` is
    called when a policy may read other facts of clients than before.
    """

    def __init__(self, parts: Parts, changed: Callable[[Dependencies], None], reclassify: Callable[[], None]) -> None:
        self._parts = parts
        self._changed = changed
        self._reclassify = reclassify
        self._asked: dict[tuple[Path, Config, Path | Options | None], _Asked] = {}
        self._thread = threading.get_ident()
        self._info = parts.metrics.gauge("dnspolicy_policy_info", "1 for the policy revision in force.", ("revision",))
        self._candidates = parts.metrics.gauge(
            "dnspolicy_policy_candidate_info", "1 for the revision of a candidate policy.", ("revision",)
        )

    def judge(self, config: Config, plan: Plan) -> Judge:
        """The judge for a `policy` directive. Raises PolicyLoadError and ConfigError."""
        asked = self._open(config.of_engine(), plan)
        judge = asked.judges.get(config)
        if judge is None:
            beside = config.of_candidate()
            candidate = None if beside is None else self._open(beside, plan)
            parts = self._parts
            decisions = DecisionCache(
                config.cache, parts.clock, parts.metrics, keeps_last=FailureTable.of(config.on_error).keeps_last
            )
            asked.decisions[config] = decisions
            judge = asked.judges[config] = Judge(
                config, asked.supply.engine, decisions, clock=parts.clock, metrics=parts.metrics,
                candidate=None if candidate is None else candidate.supply.engine,
            )  # fmt: skip
            if candidate is not None and candidate is not asked:
                candidate.judges[config] = judge
            self._show()
        return judge

    def _open(self, config: Config, plan: Plan) -> _Asked:
        key = plan.folder, config, cluster_of(config.data, plan, config.tenants is not None)
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = _Asked(supply_of(config, plan, self._parts, self._thread))
            if isinstance(asked.supply, TenantSupply):
                asked.supply.narrowed = lambda: self._narrowed(asked)
        return asked

    def source_of(self, rule: str) -> str | None:
        """Where a policy file speaks of a rule, `file:line`."""
        found = (asked.supply.source_of(rule) for asked in tuple(self._asked.values()))
        return next((place for place in found if place), None)

    def announcement(self) -> list[str]:
        """What is in force, for people."""
        return [
            asked.supply.announcement() if asked.decisions else f"candidate {asked.supply.announcement()}"
            for asked in tuple(self._asked.values())
        ]

    async def settle(self) -> None:
        """Make ready what `judge` opened. Raises PolicyLoadError.

        An engine may have taken up another revision while a judge of it was made in the other thread.
        """
        for asked in tuple(self._asked.values()):
            before = asked.in_force
            await asked.supply.settle()
            if asked.in_force != before:
                self._took_over(asked)
                continue
            for judge in tuple(asked.judges.values()):
                judge.renew()

    async def start(self) -> None:
        """Keep all engines up to date."""
        for asked in tuple(self._asked.values()):
            if not asked.started:
                asked.started = True
                await asked.supply.start(lambda asked=asked: self._took_over(asked))  # type: ignore[misc]

    async def retain(self, judges: Iterable[Judge]) -> None:
        """Let go of every engine and judge but these."""
        wanted = set(map(id, judges))
        for key, asked in tuple(self._asked.items()):
            for config in [config for config, judge in asked.judges.items() if id(judge) not in wanted]:
                del asked.judges[config]
                if config in asked.decisions:
                    asked.decisions.pop(config).end()
            if not asked.judges:
                del self._asked[key]
                await asked.supply.stop()
        self._show()

    async def stop(self) -> None:
        for asked in tuple(self._asked.values()):
            await asked.supply.stop()
            asked.started = False

    def replace(self, loaded: Loaded) -> None:
        """Put a checked policy in force wherever one is embedded, at once."""
        for asked in self._asked.values():
            supply = asked.supply
            while isinstance(supply, FedSupply | TenantSupply):
                supply = supply.inner
            if isinstance(supply, RegoSupply):
                supply.replace(loaded)
                self._took_over(asked)

    def _took_over(self, asked: _Asked) -> None:
        for judge in tuple(asked.judges.values()):
            judge.renew()
        self._show()
        self._changed(frozenset({(Rests.POLICY, asked.supply.engine.name)}))
        self._reclassify()

    def _narrowed(self, asked: _Asked) -> None:
        """A namespace's policy has changed: its clients are of other classes now, and what others know stays."""
        for judge in tuple(asked.judges.values()):
            judge.renew()
        self._changed(NOTHING)  # what is being answered now is not kept
        self._reclassify()

    def _show(self) -> None:
        self._info.values.clear()
        self._candidates.values.clear()
        for asked in tuple(self._asked.values()):
            gauge = self._info if asked.decisions else self._candidates
            gauge.set(1.0, (asked.supply.engine.revision,))
