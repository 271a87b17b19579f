"""Policies of namespaces, followed in the cluster, below the operator's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dnspolicy.app.parts import Parts
from dnspolicy.cluster.apiserver.options import Options
from dnspolicy.cluster.things import Collection, Follower, Wanted
from dnspolicy.engines.rego.binding import Binding, preferred
from dnspolicy.engines.rego.load import UNTRUSTED
from dnspolicy.engines.tiers import Policies, TieredEngine
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.printable import printable
from dnspolicy.policy.engine import Changed, Engine, Reach, Supply
from dnspolicy.policy.settings.tenants import Tenants

log = logging.getLogger("dnspolicy.policy")
SETTLE_SECONDS = 5.0
"""How long a start, or another configuration, waits for the policies of namespaces."""
EVERY = 0.5
"""The least time between two looks at what changed."""
AGAIN = 30.0
"""Seconds until another look when a policy could not be made ready, if nothing changes before."""
_MOST = 1 << 30


class TenantSupply:
    """`inner` is the operator's, built when nothing is against policies of namespaces. Raises what that raises.

    Also raises ConfigError for an embedded engine without limits.
    """

    def __init__(self, inner: Callable[[], Supply], settings: Tenants, cluster: Path | Options, parts: Parts) -> None:
        if preferred() is not Binding.NATIVE:
            raise ConfigError(f"tenants: {UNTRUSTED}")
        self._inner = inner()
        self._changed: Changed | None = None
        self._follow: Callable[[Collection], Follower] = parts.source(cluster).follow
        self._clock = parts.clock
        self._policies = Policies(settings, metrics=parts.metrics, monotonic=parts.clock.monotonic, said=_refused)
        self._engine = TieredEngine(self._inner.engine, self._policies, settings, parts.clock.monotonic)
        self._wanted = Wanted(
            resource="configmaps", fields=("data",), name=settings.configmap, limit=min(_MOST, settings.most << 20)
        )
        self._task: asyncio.Task[None] | None = None
        self._taken = asyncio.Event()

    @property
    def engine(self) -> Engine:
        return self._engine

    def announcement(self) -> str:
        known = self._policies.revision if self._policies.complete else "not known yet"
        return f"{self._inner.announcement()}; policies of namespaces {known} in ConfigMaps {self._wanted.name}"

    def source_of(self, rule: str) -> str | None:
        return self._inner.source_of(rule)

    async def settle(self) -> None:
        """Also look for the policies of namespaces, as far as that goes in a few seconds."""
        await self._inner.settle()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="tenants")
            try:
                async with asyncio.timeout(SETTLE_SECONDS):
                    await self._taken.wait()
            except TimeoutError:
                log.warning("policies of namespaces: nothing is known of the ConfigMaps %s yet", self._wanted.name)

    async def start(self, changed: Changed) -> None:
        self._changed = changed
        await self._inner.start(changed)

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        await self._policies.close()
        await self._inner.stop()

    async def _run(self) -> None:
        moved = asyncio.Event()
        collection = Collection(self._wanted, moved.set, self._clock)
        follower = self._follow(collection)
        moved.set()
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN if self._policies.unfinished else None):
                        await moved.wait()
                moved.clear()
                await self._look(collection)
                await asyncio.sleep(EVERY)
        finally:
            await follower.end()

    async def _look(self, collection: Collection) -> None:
        if collection.problem:
            log.error("policies of namespaces: %s", collection.problem)
        if not collection.complete:
            return
        things = {namespace: thing for (namespace, _), thing in collection.copied().items()}
        try:
            await self._policies.take(things, self._tell)
        except Exception:
            log.exception("policies of namespaces: a change was not taken over; what is in force stays")
        self._taken.set()

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed(Reach.NAMESPACES)


def _refused(namespace: str, why: str) -> None:
    log.error("the policy of namespace %s is refused:\n%s", namespace, "\n".join(map(printable, why.split("\n"))))
