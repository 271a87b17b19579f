"""The `opa` engine with what keeps it up to date: files of credentials, folders, and looks at what OPA has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.opa.connection import Lost
from dnspolicy.engines.opa.credentials import Credentials, Files, read
from dnspolicy.engines.opa.door import Door
from dnspolicy.engines.opa.engine import OpaEngine
from dnspolicy.engines.opa.looking import data_target, look, put_all
from dnspolicy.engines.opa.measures import Measures
from dnspolicy.engines.rego import Loaded, load
from dnspolicy.engines.rego.engine import find_literal
from dnspolicy.model.errors import ConfigError, EngineUnavailable, PolicyLoadError
from dnspolicy.policy.engine import Changed, Engine
from dnspolicy.policy.settings.opa import Opa

log = logging.getLogger("dnspolicy.opa")
FIRST_LOOK = 1.0
"""Seconds that a start waits for OPA."""
BREATH = 0.02
"""Seconds between two looks, however much there is to be curious about."""
Seen = frozenset[tuple[str, int, int, int]]


class Sources(msgspec.Struct, frozen=True):
    """The files and folders of an `opa` block, found."""

    files: Files
    folders: tuple[Path, ...] = ()


class OpaSupply:
    """Looks every `reload` seconds, and when a reply says that something is new. Raises PolicyLoadError, ConfigError.

    An OPA that is not there delays a start by a second at most; questions fail until it is.
    """

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
        self._documents: dict[tuple[str, ...], bytes] = {}
        self._curious = asyncio.Event()
        self._looked = False
        self._task: asyncio.Task[None] | None = None
        measures = Measures(metrics)
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
        self._engine = OpaEngine(doors, float(settings.hold), monotonic=monotonic)
        self._engine.wake = self._curious.set
        self._seen = _fingerprint(sources.folders)  # first: what changes while it is loaded is looked at again
        self._engine.ours = load(sources.folders, entrypoint) if sources.folders else None
        self._end_shows = [metrics.before_collect(door.show) for door in doors]

    @property
    def engine(self) -> Engine:
        return self._engine

    def announcement(self) -> str:
        return f"policy revision {self._engine.revision} of OPA at {', '.join(self._settings.urls)}"

    def source_of(self, rule: str) -> str | None:
        ours = self._engine.ours
        return None if ours is None else find_literal(ours, rule)

    async def settle(self) -> None:
        """Look for the first time, which also opens connections; an OPA that is not there delays it by a second."""
        self._looked = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._look(), FIRST_LOOK)

    async def start(self, changed: Changed) -> None:
        self._engine.changed = changed
        if not self._looked:
            await self.settle()
        self._task = asyncio.create_task(self._watch(), name="opa")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        for end in self._end_shows:
            end()
        for door in self._engine.doors:
            await door.close()

    async def put(self, path: tuple[str, ...], document: bytes) -> None:
        """Put a JSON document at a path below `data` of every OPA, and again after one was away.

        Raises EngineUnavailable, naming those that do not have it yet; they get it when they can.
        """
        self._documents[path] = document
        missing = []
        for door in self._engine.doors:
            try:
                await put_all(door, self._documents)
            except Lost as problem:
                missing.append(f"OPA at {door.address.text}: {problem}")
        self._engine.settle(self._documents)
        if missing:
            raise EngineUnavailable("; ".join(missing))

    def forget(self, path: tuple[str, ...]) -> None:
        """Keep a document no longer. What OPA has of it stays there."""
        self._documents.pop(path, None)

    def _credentials_now(self) -> Credentials:
        return self._credentials

    def _doubt(self) -> None:
        """A connection went away, so an OPA may have been restarted."""
        if self._engine.footprint.timeless:
            self._engine.settle(self._documents)
        self._curious.set()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(BREATH)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._curious.wait(), self._pause)
            self._curious.clear()
            try:
                await self._renew_credentials()
                await self._renew_folders()
                await self._look()
            except Exception:
                log.exception("looking at OPA failed; what is known of it stays")

    async def _look(self) -> None:
        """What all of them have now."""
        await asyncio.gather(*map(self._look_at, self._engine.doors))

    async def _look_at(self, door: Door) -> None:
        ours = self._engine.ours
        try:
            if not door.sure:
                door.documents.clear()
            await put_all(door, self._documents)
            found = await look(door, ours)
        except Lost as problem:
            self._complain(door, f"OPA at {door.address.text}: {problem}")
            return
        self._complain(door, "")
        door.holding, door.sure = found, found is not None
        self._engine.settle(self._documents)
        if ours is not None:
            other = found is None or not found.matches
            text = f"OPA at {door.address.text} has other policies than the folders; nothing is known of what they read"
            self._complain((door, "policies"), text if other else "")

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
            if not found.same_tls(before):
                door.pool.renew()

    async def _renew_folders(self) -> None:
        folders = self._sources.folders
        if not folders:
            return
        seen = await asyncio.to_thread(_fingerprint, folders)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            loaded: Loaded = await asyncio.to_thread(load, folders, self._entrypoint)
        except PolicyLoadError as problem:
            log.error("the folders of policies that OPA has cannot be loaded:\n%s", problem)
            return
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


def _fingerprint(folders: tuple[Path, ...]) -> Seen:
    """What the files below some folders look like: path, inode, size and time of change (ns)."""
    found = set()
    for folder in folders:
        for path in folder.rglob("*") if folder.is_dir() else (folder,):
            with suppress(OSError):
                status = path.stat()
                found.add((str(path), status.st_ino, status.st_size, status.st_mtime_ns))
    return frozenset(found)
