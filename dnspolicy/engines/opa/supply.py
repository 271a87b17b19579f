"""The `opa` engine with what keeps it up to date: files of credentials, folders, and looks at what OPA has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from dnspolicy.chain.attempts import Attempts
from dnspolicy.chain.metrics import Metrics
from dnspolicy.corefile.regular import fingerprint
from dnspolicy.engines.opa.connection import Lost
from dnspolicy.engines.opa.credentials import Credentials, Files, read
from dnspolicy.engines.opa.documents import Documents, digests_of, mark_in
from dnspolicy.engines.opa.door import Door
from dnspolicy.engines.opa.engine import OpaEngine
from dnspolicy.engines.opa.giving import NotTaken, data_target, give
from dnspolicy.engines.opa.holding import Holding
from dnspolicy.engines.opa.looking import look
from dnspolicy.engines.opa.measures import Measures
from dnspolicy.engines.rego import Loaded, load
from dnspolicy.engines.rego.engine import find_literal
from dnspolicy.model.errors import ConfigError, PolicyLoadError
from dnspolicy.policy.engine import Changed, DataPath, Engine
from dnspolicy.policy.settings.opa import Opa

log = logging.getLogger("dnspolicy.opa")
FIRST_LOOK = 1.0
"""Seconds that a start waits for OPA."""
FEED_SECONDS = 5.0
"""How long is waited for OPA to take a document, before the next one may come; it is put nevertheless."""
LOOK_SECONDS = 5.0
"""How long one OPA that is looked at may hold up the others."""
BREATH = 0.02
"""Seconds between two looks, however much there is to be curious about."""


class Sources(msgspec.Struct, frozen=True):
    """The files and folders of an `opa` block, found; and the documents that OPA is given.

    Without `gives` nothing is put into OPA, which then decides with whatever a server has put there.
    """

    files: Files
    folders: tuple[Path, ...] = ()
    documents: Mapping[DataPath, bool] = {}
    called: str = ""
    gives: bool = True


class OpaSupply:
    """Looks every `reload` seconds, and when a reply says that something is new. Raises PolicyLoadError, ConfigError.

    An OPA that is not there delays a start by a second at most; questions fail until it is.
    """

    notes_first = True

    def __init__(
        self,
        settings: Opa,
        sources: Sources,
        entrypoint: str,
        *,
        reload: float,
        metrics: Metrics,
        monotonic: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._entrypoint = entrypoint
        self._pause = reload
        self._credentials = read(sources.files)
        self._complained: dict[object, str] = {}
        self._documents = documents = Documents(sources.documents, sources.called, monotonic)
        self._visits: dict[Door, asyncio.Task[Lost | None]] = {}
        self._curious = asyncio.Event()
        self._looked = False
        self._task: asyncio.Task[None] | None = None
        self._failed = metrics.counter("dnspolicy_policy_reload_failed_total", "Policy changes that were refused.")
        self._measures = measures = Measures(metrics)
        target = data_target(tuple(entrypoint.split(".")[1:])) + "?provenance=true"
        doors = [
            Door(
                address,
                target,
                settings.pool,
                credentials=self._credentials_now,
                server_name=settings.server_name,
                monotonic=monotonic,
                measures=measures,
                doubt=self._doubt,
            )
            for address in settings.addresses
        ]
        self._engine = OpaEngine(doors, float(settings.hold), documents, monotonic=monotonic)
        self._engine.wake = self._curious.set
        # first: what changes while it is loaded is looked at again
        self._attempts = Attempts(fingerprint(sources.folders), reload, monotonic)
        self._engine.ours = self._load() if sources.folders else None
        self._end_shows = [metrics.before_collect(show) for show in (*(door.show for door in doors), self._show)]

    @property
    def engine(self) -> Engine:
        return self._engine

    def announcement(self) -> str:
        asked = f"OPA at {', '.join(self._settings.urls)}"
        return f"policy revision {self._engine.revision} of {asked}" if self._looked else f"policy of {asked}"

    def source_of(self, rule: str) -> str | None:
        ours = self._engine.ours
        return None if ours is None else find_literal(ours, rule)

    async def settle(self) -> None:
        """Look for the first time, which also opens connections; an OPA that is not there delays it by a second."""
        self._looked = True
        await self._look(FIRST_LOOK)

    async def start(self, changed: Changed) -> None:
        self._engine.changed = changed
        if not self._looked:
            await self.settle()
        if self._documents.wanted and self._sources.gives:
            self._documents.given = True
            await self._bring(FEED_SECONDS)
        self._task = asyncio.create_task(self._watch(), name="opa")

    async def stop(self) -> None:
        task, self._task = self._task, None
        tasks = [task, *self._visits.values()] if task is not None else [*self._visits.values()]
        self._visits.clear()
        for one in tasks:
            one.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for end in self._end_shows:
            end()
        for door in self._engine.doors:
            await door.close()

    async def feed(self, documents: Mapping[DataPath, bytes | None]) -> None:
        """Have documents (JSON) at declared paths below `data` of every OPA, None for none; not before the start.

        An OPA that cannot be asked gets them when it can, and until then is not asked if one is required, or if it
        still has one that is to go. Raises PolicyLoadError when one refuses a document: then all go back to those
        that were there before, though some may have had the others for a moment. What is to go stays to go.
        """
        wanted = self._documents.wanted
        back = {
            path: None if wanted[path] == raw else wanted[path] for path, raw in documents.items() if raw is not None
        }
        await self._change(documents)
        if not self._documents.given:
            return
        refused = await self._bring(FEED_SECONDS)
        if refused and back:
            await self._change(back)
            self._curious.set()
            raise PolicyLoadError("; ".join(refused))

    async def _change(self, documents: Mapping[DataPath, bytes | None]) -> None:
        self._documents.change(documents, await asyncio.to_thread(digests_of, documents))

    async def _bring(self, seconds: float) -> list[str]:
        """Have all doors brought up to date, but wait no longer than this; what was refused."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        refused: list[str] = []
        for _ in range(2):  # one that is under way may know nothing yet of what is wanted now
            behind = [door for door in self._engine.doors if not self._documents.are_in(door.held)]
            joins = any(door in self._visits and not self._visits[door].done() for door in behind)
            done = await self._visit(behind, until - loop.time())
            refused = [f"OPA at {door.address.text}: {lost}" for door, lost in done if isinstance(lost, NotTaken)]
            if not joins:
                break
        return refused

    async def _visit(self, doors: Sequence[Door], seconds: float) -> list[tuple[Door, Lost | None]]:
        """Look at some, each once at a time, and wait no longer than this; what came of it."""
        for door in doors:
            if door not in self._visits or self._visits[door].done():
                self._visits[door] = asyncio.create_task(self._look_at(door), name="opa look")
        visits = {self._visits[door]: door for door in doors}
        if not visits:
            return []
        done, _ = await asyncio.wait(visits, timeout=max(0.0, seconds))
        return [(visits[visit], visit.result()) for visit in done]

    def _show(self) -> None:
        for door in self._engine.doors if self._documents.given else ():
            self._measures.has_data(door, door.address.text, self._documents.are_in(door.held))

    def _load(self) -> Loaded:
        return load(self._sources.folders, self._entrypoint, declared=tuple(self._sources.documents))

    def _credentials_now(self) -> Credentials:
        return self._credentials

    def _doubt(self) -> None:
        """A connection went away, so an OPA may have been restarted."""
        if self._engine.footprint.timeless:
            self._engine.settle()
        self._curious.set()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(BREATH)
            with suppress(TimeoutError):  # `wait_for` may lose a cancellation that comes with the event
                async with asyncio.timeout(self._pause):
                    await self._curious.wait()
            self._curious.clear()
            try:
                await self._renew_credentials()
                await self._renew_folders()
                await self._look(LOOK_SECONDS)
            except Exception:
                log.exception("looking at OPA failed; what is known of it stays")

    async def _look(self, seconds: float) -> None:
        """What all of them have now."""
        await self._visit(self._engine.doors, seconds)

    async def _look_at(self, door: Door) -> Lost | None:
        """What one has, and that it has what it is to have; what went wrong with that."""
        ours = self._engine.ours
        try:
            found = await look(door, ours)
            if await self._give(door, found):
                found = await look(door, ours)
        except Lost as problem:
            self._complain(door, f"OPA at {door.address.text}: {problem}")
            return problem
        self._complain(door, "")
        door.holding, door.sure = found, found is not None and self._documents.are_in(door.held)
        self._engine.settle()
        if ours is not None:
            other = found is None or not found.matches
            text = f"OPA at {door.address.text} has other policies than the folders; nothing is known of what they read"
            self._complain((door, "policies"), text if other else "")
        return None

    async def _give(self, door: Door, found: Holding | None) -> bool:
        """Bring the documents of a door up to date; whether there was anything to do. Raises Lost."""
        documents = self._documents
        if not documents.given:
            return False
        door.held.says(mark_in(b"" if found is None else found.provenance, documents.name))
        if documents.are_in(door.held):
            door.held.there = dict(documents.wanted)
            return False
        door.sure = False
        await give(door, documents)
        return True

    async def _renew_credentials(self) -> None:
        before = self._credentials
        try:
            self._credentials = found = await asyncio.to_thread(read, self._sources.files, before)
        except ConfigError as problem:
            self._complain("credentials", f"the credentials for OPA stay as they were: {problem}")
            return
        self._complain("credentials", "")
        if found is before:
            return
        for door in self._engine.doors:
            door.renew()
            if found.tls is not before.tls:
                door.pool.renew()

    async def _renew_folders(self) -> None:
        folders = self._sources.folders
        if not folders:
            return
        if not self._attempts.wanted(await asyncio.to_thread(fingerprint, folders)):
            return
        try:
            loaded: Loaded = await asyncio.to_thread(self._load)
        except PolicyLoadError as problem:
            self._failed.inc()
            if self._attempts.failed(problem):
                log.error("the folders of policies that OPA has cannot be loaded:\n%s", problem)
            return
        except Exception as problem:
            self._attempts.failed(problem)
            raise
        self._attempts.done()
        self._engine.ours = loaded
        for door in self._engine.doors:
            door.holding, door.sure = None, False

    def _complain(self, about: object, text: str) -> None:
        """Log what is new: a complaint, or that it is over."""
        before = self._complained.get(about, "")
        if text == before:
            return
        self._complained[about] = text
        if text:
            log.warning("%s", text)
        else:
            log.info("no longer: %s", before)
