"""The embedded engine, with the folders it is loaded from."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from dnspolicy.app.supply.folders import PolicyFolders
from dnspolicy.chain.attempts import Attempts
from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.rego import RegoEngine, say_what_is_lacking
from dnspolicy.model.errors import PolicyLoadError
from dnspolicy.policy.engine import Changed, DataPath, Engine

log = logging.getLogger("dnspolicy.policy")


class RegoSupply:
    """Loads policies at once, and again when their files change, looked at every `reload` seconds.

    Raises PolicyLoadError at the start; later a policy that cannot be loaded leaves the one in force, is logged once
    and counted. One that could not be checked is tried again.
    """

    notes_first = False

    def __init__(
        self,
        folders: PolicyFolders,
        *,
        reload: float,
        metrics: Metrics,
        monotonic: Callable[[], float],
        here: bool,
    ) -> None:
        self._folders = folders
        self._pause = reload
        # first: what changes while it is loaded is looked at again
        self._attempts = Attempts(folders.look(), reload, monotonic)
        self._engine = RegoEngine(folders.load(), metrics=metrics, monotonic=monotonic, here=here)
        self._failed = metrics.counter("dnspolicy_policy_reload_failed_total", "Policy changes that were refused.")
        self._task: asyncio.Task[None] | None = None

    @property
    def engine(self) -> Engine:
        return self._engine

    def announcement(self) -> str:
        return f"policy revision {self._engine.revision} from {self._folders}"

    def source_of(self, rule: str) -> str | None:
        return self._engine.source_of(rule)

    async def settle(self) -> None:
        await self._engine.settle()

    async def start(self, changed: Changed) -> None:
        say_what_is_lacking()
        self._task = asyncio.create_task(self._watch(changed), name="policy")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def feed(self, documents: Mapping[DataPath, bytes | None]) -> None:
        """Put documents at declared paths. Raises PolicyLoadError."""
        await self._engine.feed(documents)

    async def _watch(self, changed: Changed) -> None:
        while True:
            await asyncio.sleep(self._pause)
            try:
                if self._attempts.wanted(await asyncio.to_thread(self._folders.look)):
                    await self._reload(changed)
                    self._attempts.done()
            except PolicyLoadError as problem:
                self._failed.inc()
                if self._attempts.failed(problem):
                    log.error("the policy in force stays; the new one is refused:\n%s", problem)
            except Exception as problem:  # a fault of ours must not end the watch
                self._failed.inc()
                if self._attempts.failed(problem):
                    log.exception("looking for a new policy failed; the one in force stays")

    async def _reload(self, changed: Changed) -> None:
        """Check the new policy beside the one in force, then swap. Answers go on meanwhile. Raises PolicyLoadError."""
        before = self._engine.revision
        loaded = await asyncio.to_thread(self._folders.load)
        if loaded.revision == self._engine.loaded.revision:
            return
        await self._engine.swap_slowly(loaded)
        changed()
        log.info("policy revision %s replaces %s", self._engine.revision, before)
