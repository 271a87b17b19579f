"""The embedded engine, with bundles it is loaded from, and folders beside them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping

from dnspolicy.app.supply.bundles.awaited import AwaitedEngine
from dnspolicy.app.supply.bundles.follower import Follower
from dnspolicy.app.supply.bundles.measures import BundleMeasures, shown_revision
from dnspolicy.app.supply.bundles.places import BundlePlace, files_of
from dnspolicy.app.supply.folders import PolicyFolders
from dnspolicy.bundle import Bundle
from dnspolicy.chain.attempts import Attempts
from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.corefile.regular import Fingerprint, fingerprint
from dnspolicy.engines.rego import Loaded, RegoEngine, say_what_is_lacking
from dnspolicy.model.errors import PolicyLoadError
from dnspolicy.policy.engine import Changed, DataPath, Engine

log = logging.getLogger("dnspolicy.policy")
Bundles = dict[int, Bundle]
"""By the number of their line."""


class BundleSupply:
    """Puts bundles and folders in force, checked as a whole, and again when one of them changes.

    Files are read at once and looked at every `reload` seconds; raises PolicyLoadError at the start when one cannot be
    used. Behind a URL the copy on disk comes first. Without one, nothing is decided until the bundle is here; with
    `here` False, which is beside a policy in force, `settle` raises PolicyLoadError then. Later, what cannot be used
    leaves what is in force, is logged once and counted; what could not be checked is tried again. Without `keeps`
    copies on disk are read and not written.
    """

    notes_first = False

    def __init__(
        self,
        places: tuple[BundlePlace, ...],
        folders: PolicyFolders,
        *,
        reload: float,
        clock: Clock,
        metrics: Metrics,
        here: bool,
        keeps: bool = True,
    ) -> None:
        self._places = places
        self._folders = folders
        self._pause = reload
        self._clock = clock
        self._metrics = metrics
        self._here = here
        self._measures = BundleMeasures(metrics)
        self._files = {n: place.path(place.line.source) for n, place in enumerate(places) if not place.line.web}
        self._followers = {
            n: Follower(n, place, self, self._measures, clock, keeps)
            for n, place in enumerate(places)
            if place.line.web
        }
        self._now: Bundles = {}
        self._refused: Bundles = {}
        self._lock = asyncio.Lock()
        self._changed: Changed | None = None
        self._settled = False
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        waited = ", ".join(place.name for place in places if place.line.web)
        self._engine = AwaitedEngine(f"bundle {waited} is not here yet")
        self._begin()

    def _begin(self) -> None:
        """What can be had without waiting for others."""
        monotonic = self._clock.monotonic
        self._attempts = {n: Attempts(seen, self._pause, monotonic) for n, seen in self._looks()}
        for place in self._places:
            place.trust()
        self._now = {n: self._places[n].read() for n in self._files}
        if not self._followers:
            self._engine.begin_here(self._made(self._load(self._now)))
            self._show(self._now)

    @property
    def engine(self) -> Engine:
        return self._engine

    def announcement(self) -> str:
        named = [self._described(n, place) for n, place in enumerate(self._places)]
        sources = ", ".join([*named, *filter(None, [str(self._folders)])])
        if self._engine.not_ready():
            return f"no policy yet, so nothing is allowed by it: {sources}"
        return f"policy revision {self._engine.revision} from {sources}"

    def source_of(self, rule: str) -> str | None:
        return self._engine.engine.source_of(rule) if self._engine.engine is not None else None

    async def settle(self) -> None:
        if self._engine.engine is not None:
            await self._engine.engine.settle()
        if self._settled:
            return
        self._settled = True
        for follower in self._followers.values():
            await follower.restore()
        if self._here or not self._engine.not_ready():
            return
        for follower in self._followers.values():
            await follower.once()
        if why := self._engine.not_ready():
            problems = [follower.problem for follower in self._followers.values() if follower.problem]
            raise PolicyLoadError("\n".join([why, *problems]))

    async def start(self, changed: Changed) -> None:
        say_what_is_lacking()
        self._changed = changed
        jobs = [follower.follow() for follower in self._followers.values()]
        names = ["policy", *(f"bundle {n}" for n in self._followers)]
        self._tasks = tuple(
            asyncio.create_task(job, name=name) for job, name in zip([self._watch(), *jobs], names, strict=True)
        )
        if self._followers and not self._engine.not_ready():
            changed()

    async def feed(self, documents: Mapping[DataPath, bytes | None]) -> None:
        """Put documents at declared paths. Raises PolicyLoadError."""
        await self._engine.feed(documents)

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, ()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for follower in self._followers.values():
            await follower.close()
        for place in self._places:
            self._measures.forget(place.name)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            try:
                looks = await asyncio.to_thread(dict, self._looks())
                for number, seen in looks.items():
                    if self._attempts[number].wanted(seen):
                        await self._renew(number, self._attempts[number])
            except Exception:  # a fault of ours must not end the watch
                self._measures.refused()
                log.exception("looking for a new policy failed; the one in force stays")

    async def _renew(self, number: int | None, attempts: Attempts) -> None:
        """Take what has changed on disk."""
        try:
            await self.take(number, await self._read(number))
            attempts.done()
        except PolicyLoadError as problem:
            if attempts.failed(problem):
                log.error("the policy in force stays; the new one is refused:\n%s", problem)
        except Exception as problem:  # a fault of ours must not end the watch
            self._measures.refused()
            if attempts.failed(problem):
                log.exception("taking a new policy failed; the one in force stays")

    async def _read(self, number: int | None) -> Bundle | None:
        """The bundle in a file; None for the folders."""
        if number is None:
            return None
        try:
            return await asyncio.to_thread(self._places[number].read)
        except PolicyLoadError:
            self._measures.refused()
            raise

    def _looks(self) -> Iterator[tuple[int | None, Fingerprint]]:
        yield None, self._folders.look()
        for number, path in self._files.items():
            keys = (self._places[number].path(key.file) for key in self._places[number].line.key)
            yield number, fingerprint((path, *keys))

    async def take(self, number: int | None, bundle: Bundle | None) -> None:
        """Put a bundle in force beside the others, or the folders as they are now. Raises PolicyLoadError."""
        async with self._lock:
            new = {number: bundle} if number is not None and bundle is not None else {}
            failure: PolicyLoadError | None = None
            for wanted in self._tries(new):
                try:
                    await self._put(wanted)
                except PolicyLoadError as problem:
                    failure = failure or problem
                    continue
                self._now = wanted
                self._refused = {n: b for n, b in self._refused.items() if n not in new and wanted.get(n) is not b}
                if failure is not None and self._engine.not_ready():
                    log.error("no policy yet:\n%s", failure)
                return
            self._measures.refused()
            self._refused |= new
            assert failure is not None
            raise failure

    def holds(self, number: int, bundle: Bundle) -> bool:
        """Whether that is what is in force."""
        return self._now.get(number) is bundle

    def _tries(self, new: Bundles) -> list[Bundles]:
        """What may be put in force with `new`: with what was refused before, which may have lacked it, or as it is."""
        with_refused, plain = self._now | self._refused | new, self._now | new
        return [with_refused, plain] if self._refused.keys() - new.keys() else [plain]

    async def _put(self, bundles: Bundles) -> None:
        """All of it, or nothing. Raises PolicyLoadError."""
        if len(bundles) < len(self._places):
            return
        loaded = await asyncio.to_thread(self._load, bundles)
        engine, before = self._engine.engine, self._engine.revision
        if engine is None:
            await self._engine.begin(await asyncio.to_thread(self._made, loaded, here=False))
        elif loaded.revision != engine.loaded.revision:
            await engine.swap_slowly(loaded)
        self._show(bundles)
        if self._engine.revision != before:
            if self._changed is not None:
                self._changed()
            said = ", ".join(f"{b.name} {shown_revision(b)}".rstrip() for b in bundles.values())
            log.info("policy revision %s replaces %s; bundle %s", self._engine.revision, before, said)

    def _load(self, bundles: Mapping[int, Bundle]) -> Loaded:
        more = files_of(self._places, [bundles[n] for n in range(len(self._places))])
        return self._folders.load(more)

    def _made(self, loaded: Loaded, here: bool | None = None) -> RegoEngine:
        here = self._here if here is None else here
        return RegoEngine(loaded, metrics=self._metrics, monotonic=self._clock.monotonic, here=here)

    def _show(self, bundles: Mapping[int, Bundle]) -> None:
        for bundle in bundles.values():
            self._measures.in_force(bundle)

    def _described(self, number: int, place: BundlePlace) -> str:
        bundle = self._now.get(number)
        if bundle is None:
            return f"bundle {place.name} (not looked at)"
        revision = f"revision {shown}, " if (shown := shown_revision(bundle)) else ""
        return f"bundle {place.name} ({revision}{f'signed with {bundle.signed}' if bundle.signed else 'not signed'})"
