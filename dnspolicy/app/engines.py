"""Policy engines: one per set of folders, loaded, watched, swapped."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.engines.rego import Loaded, RegoEngine, load
from dnspolicy.model.answer import Dependencies, Rests
from dnspolicy.model.errors import ConfigError, PolicyLoadError
from dnspolicy.plugins.policy import Config, Judge
from dnspolicy.policy.decisions import DecisionCache
from dnspolicy.policy.failure import OnError

log = logging.getLogger("dnspolicy.policy")


class _Watched:
    """One engine with its folders and the judges that ask it."""

    def __init__(
        self, folders: tuple[Path, ...], config: Config, engine: RegoEngine, seen: frozenset[tuple[str, int, int, int]]
    ) -> None:
        self.folders = folders
        self.config = config
        self.engine = engine
        self.judges: dict[Config, Judge] = {}
        self.decisions: dict[Config, DecisionCache] = {}
        self.seen = seen
        self.task: asyncio.Task[None] | None = None


class Engines:
    """Loads policies when they are first asked for, and again when their files change.

    A policy that cannot be loaded raises PolicyLoadError at the start; later it leaves the one in force, is logged
    once and counted. To be made in the thread of queries; `judge` may be called in another one if `settle` follows.
    `reclassify` is called when a policy may read other facts of clients than before. Engines outlive a reload of the
    Corefile while `retain` says so.
    """

    def __init__(self, parts: Parts, changed: Callable[[Dependencies], None], reclassify: Callable[[], None]) -> None:
        self._parts = parts
        self._changed = changed
        self._reclassify = reclassify
        self._watched: dict[tuple[tuple[Path, ...], str], _Watched] = {}
        self._thread = threading.get_ident()
        metrics = parts.metrics
        self._failed = metrics.counter("dnspolicy_policy_reload_failed_total", "Policy changes that were refused.")
        self._info = metrics.gauge("dnspolicy_policy_info", "1 for the policy revision in force.", ("revision",))

    def judge(self, config: Config, plan: Plan) -> Judge:
        """The judge for a `policy` directive. Raises PolicyLoadError, or ConfigError when a folder is not there."""
        folders = tuple(plan.path(text) for text in config.rego)
        absent = [text for text, folder in zip(config.rego, folders, strict=True) if not folder.exists()]
        if absent:
            raise ConfigError(
                f"no such folder: {', '.join(absent)}; expected folders with policies, seen from the Corefile"
            )
        watched = self._watched.get((folders, config.entrypoint))
        if watched is None:
            seen = fingerprint(folders)  # first: what changes while it is loaded is looked at again
            loaded = load(folders, config.entrypoint)
            engine = RegoEngine(
                loaded,
                metrics=self._parts.metrics,
                monotonic=self._parts.clock.monotonic,
                here=threading.get_ident() == self._thread,
            )
            watched = _Watched(folders, config, engine, seen)
            self._watched[folders, config.entrypoint] = watched
            self._show()
        judge = watched.judges.get(config)
        if judge is None:
            decisions = DecisionCache(
                config.cache, self._parts.clock, self._parts.metrics, keeps_last=config.on_error is OnError.LAST_KNOWN
            )
            watched.decisions[config] = decisions
            judge = watched.judges[config] = Judge(
                config, watched.engine, decisions, clock=self._parts.clock, metrics=self._parts.metrics
            )
        return judge

    def source_of(self, rule: str) -> str | None:
        """Where the policy file speaks of a rule, `file:line`."""
        found = (w.engine.source_of(rule) for w in self._watched.values())
        return next((place for place in found if place), None)

    def announcement(self) -> list[str]:
        """What is in force, for people."""
        return [
            f"policy revision {w.engine.revision} from {', '.join(map(_short, w.folders))}"
            for w in self._watched.values()
        ]

    async def settle(self) -> None:
        """Prepare what `judge` loaded in another thread than that of queries. Raises PolicyLoadError."""
        for watched in tuple(self._watched.values()):
            await watched.engine.settle()

    async def start(self) -> None:
        """Watch the folders of all engines."""
        for watched in self._watched.values():
            if watched.task is None:
                watched.task = asyncio.create_task(self._watch(watched), name="policy")

    async def retain(self, judges: Iterable[Judge]) -> None:
        """Let go of every engine and judge but these."""
        wanted = set(map(id, judges))
        for key, watched in tuple(self._watched.items()):
            for config in [config for config, judge in watched.judges.items() if id(judge) not in wanted]:
                del watched.judges[config]
                watched.decisions.pop(config).end()
            if not watched.judges:
                del self._watched[key]
                await _end(watched)
        self._show()

    async def stop(self) -> None:
        for watched in tuple(self._watched.values()):
            await _end(watched)

    async def _watch(self, watched: _Watched) -> None:
        while True:
            await asyncio.sleep(watched.config.reload)
            try:
                seen = await asyncio.to_thread(fingerprint, watched.folders)
                if seen != watched.seen:
                    watched.seen = seen
                    await self._reload(watched)
            except Exception:
                self._failed.inc()
                log.exception("looking for a new policy failed; the one in force stays")

    async def _reload(self, watched: _Watched) -> None:
        """Check the new policy beside the one in force, then swap. Answers go on meanwhile."""
        before = watched.engine.revision
        try:
            loaded = await asyncio.to_thread(load, watched.folders, watched.config.entrypoint)
            if loaded.revision == before:
                return
            await watched.engine.swap_slowly(loaded)
        except PolicyLoadError as problem:
            self._failed.inc()
            log.error("the policy in force stays; the new one is refused:\n%s", problem)
            return
        self._took_over(watched)
        log.info("policy revision %s replaces %s", watched.engine.revision, before)

    def replace(self, loaded: Loaded) -> None:
        """Put a checked policy in force everywhere, at once."""
        for watched in self._watched.values():
            watched.engine.swap(loaded)
            self._took_over(watched)

    def _took_over(self, watched: _Watched) -> None:
        """Forget what rests on the revision that was in force."""
        for judge in watched.judges.values():
            judge.renew()
        self._show()
        self._changed(frozenset({(Rests.POLICY, watched.engine.name)}))
        self._reclassify()

    def _show(self) -> None:
        self._info.values.clear()
        for watched in self._watched.values():
            self._info.set(1.0, (watched.engine.revision,))


async def _end(watched: _Watched) -> None:
    task, watched.task = watched.task, None
    if task is not None:
        task.cancel()
        await asyncio.wait((task,))


def fingerprint(folders: tuple[Path, ...]) -> frozenset[tuple[str, int, int, int]]:
    """What some files, and those below some folders, look like: path, inode, size and time of change (ns)."""
    found = set()
    for folder in folders:
        for path in folder.rglob("*") if folder.is_dir() else (folder,):
            with suppress(OSError):
                status = path.stat()
                found.add((str(path), status.st_ino, status.st_size, status.st_mtime_ns))
    return frozenset(found)


def _short(path: Path) -> str:
    """A path as seen from where the command runs, when it is below that."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
