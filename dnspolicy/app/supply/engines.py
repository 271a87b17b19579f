"""Policy engines: one per set of words that name it, and the judges that ask it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.app.supply.build import cluster_of, supply_of
from dnspolicy.cluster.apiserver.options import Options
from dnspolicy.model.answer import NOTHING, Dependencies, Rests
from dnspolicy.plugins.policy import Config, Judge
from dnspolicy.policy.decisions import DecisionCache
from dnspolicy.policy.engine import Reach, Supply
from dnspolicy.policy.footprint import Footprint
from dnspolicy.policy.settings.failure import FailureTable


class _Asked:
    """One engine and the judges that ask it, which know it as it was when it was `known`."""

    def __init__(self, supply: Supply) -> None:
        self.supply = supply
        self.known = self.in_force
        self.judges: dict[Config, Judge] = {}
        self.decisions: dict[Config, DecisionCache] = {}
        self.started = False

    @property
    def in_force(self) -> tuple[str, Footprint]:
        """Revision and footprint now."""
        return self.supply.engine.revision, self.supply.engine.footprint

    def renew(self) -> None:
        """Have all judges take over what is in force."""
        self.known = self.in_force
        for judge in tuple(self.judges.values()):
            judge.renew()


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
        key = plan.folder, config, cluster_of(config, plan)
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = _Asked(supply_of(config, plan, self._parts, self._thread))
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
            await asked.supply.settle()
            if not self._catch_up(asked):
                asked.renew()

    async def start(self) -> None:
        """Keep all engines up to date. They start together: one that waits for others leaves none behind."""
        fresh = [asked for asked in self._asked.values() if not asked.started]
        for asked in fresh:
            self._catch_up(asked)
        for done in await asyncio.gather(*map(self._start, fresh), return_exceptions=True):
            if done is not None:
                raise done

    async def _start(self, asked: _Asked) -> None:
        asked.started = True
        await asked.supply.start(partial(self._took_over, asked))
        self._catch_up(asked)

    def _catch_up(self, asked: _Asked) -> bool:
        """Take over what has changed since an engine settled, of which nobody is told before it starts."""
        moved = asked.in_force != asked.known
        if moved:
            self._took_over(asked)
        return moved

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

    def _took_over(self, asked: _Asked, reach: Reach = Reach.EVERYBODY) -> None:
        """Clients in namespaces whose policy has changed are of other classes then, so what others know may stay."""
        asked.renew()
        self._show()
        everybody = reach is Reach.EVERYBODY
        # NOTHING: what is being answered now is not kept
        self._changed(frozenset({(Rests.POLICY, asked.supply.engine.name)}) if everybody else NOTHING)
        self._reclassify()

    def _show(self) -> None:
        self._info.values.clear()
        self._candidates.values.clear()
        for asked in tuple(self._asked.values()):
            gauge = self._info if asked.decisions else self._candidates
            gauge.set(1.0, (asked.supply.engine.revision,))
