"""A cluster read from a folder of Kubernetes manifests: tests, demos, a laptop."""

from __future__ import annotations

import asyncio
from logging import Logger
from pathlib import Path

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.folder import Files, Folder, Look
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.manifest_things import FolderFollower
from dnspolicy.cluster.objects import Kind, Object, ObjectKey, Thing, key_of
from dnspolicy.cluster.things import Collection
from dnspolicy.model.printable import escaped

POLL_SECONDS = 0.4
"""A change counts when two looks in a row see it, so it is in the index within a second."""


class Manifests:
    """Fills an index from `folder` and its sub-folders (`.yaml`, `.yml`, `.json`; no names that begin with a dot).

    A file that cannot be read keeps its last good content, is logged once and counted. An object that stands in
    several files is taken from the last of them, by path.
    """

    def __init__(self, folder: Path, index: Index, clock: Clock, metrics: Metrics, log: Logger) -> None:
        self.index = index
        self._path = folder
        self._folder = Folder(folder)
        self._followed: list[FolderFollower] = []
        self._clock = clock
        self._log = log
        self._files: Files = {}
        self._held: dict[ObjectKey, Object] = {}
        self._doubles: dict[str, str] = {}
        self._complaints: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None
        self._broken = metrics.gauge("dnspolicy_manifest_errors", "Manifest files that cannot be read.")
        self._success = metrics.gauge(
            "dnspolicy_manifest_last_success_seconds", "Unix time at which all manifest files were last read well."
        )

    def load(self) -> None:
        """Read everything and call the index complete. Raises ManifestError when the folder cannot be read."""
        self._folder.check()
        self._take(self._folder.look({}, settle=False), loaded=True)

    def complaints(self) -> tuple[str, ...]:
        """What is wrong now: broken files, and objects that stand in several files; one complaint a line."""
        return tuple(line for key in sorted(self._complaints) for line in self._complaints[key].splitlines())

    def poll(self) -> None:
        """Look once, as the started source does by itself."""
        self._take(self._folder.look(self._files))
        for followed in self._living():
            followed.take(followed.look())

    def follow(self, collection: Collection) -> FolderFollower:
        """Fill a collection too, at once and then with every look."""
        followed = FolderFollower(self._path, collection)
        followed.take(followed.look())
        self._followed.append(followed)
        return followed

    def _living(self) -> list[FolderFollower]:
        self._followed = [followed for followed in self._followed if not followed.ended]
        return self._followed

    async def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._watch(), name="manifests")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            self._task = None

    async def synced(self, seconds: float) -> bool:
        """Whether it was loaded; there is nothing to wait for."""
        return not self.index.missing()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                self._take(await asyncio.to_thread(self._folder.look, self._files))
                for followed in tuple(self._living()):
                    followed.take(await asyncio.to_thread(followed.look))
            except Exception:  # noqa: BLE001 a source that died silently would serve this cluster for ever
                self._log.exception("manifests: looking at the folder failed")

    def _take(self, look: Look, loaded: bool = False) -> None:
        self._files = look.files
        if look.changed or loaded:
            held, self._doubles = _merged(look.files)
            changed = [item for key, item in held.items() if self._held.get(key) is not item]
            removed = [key for key in self._held if key not in held]
            self._held = held
            self.index.apply(changed, removed, tuple(Kind) if loaded else ())
        self._say(look)

    def _say(self, look: Look) -> None:
        """Count what is broken, and log what was not said before."""
        broken = {escaped(str(path)): file.problem for path, file in look.files.items() if file.problem}
        if look.unreadable:
            broken["folder"] = look.unreadable
        self._broken.set(len(broken))
        if not broken and not any(file.waited for file in look.files.values()):
            self._success.set(self._clock.wall())
        said, self._complaints = self._complaints, {**broken, **self._doubles}
        for key, text in self._complaints.items():
            if said.get(key) != text:
                for line in text.splitlines():
                    self._log.warning("manifests: %s", line)
        for key in said.keys() - self._complaints.keys():
            self._log.info("manifests: %s: in order again", key)


def _merged(files: Files) -> tuple[dict[ObjectKey, Object], dict[str, str]]:
    """All objects, and complaints about those that stand in several places."""
    held: dict[ObjectKey, Object] = {}
    origin: dict[ObjectKey, Path] = {}
    doubles = {}
    for path in sorted(files):
        for item in files[path].objects:
            assert not isinstance(item, Thing)  # of these, another decoder makes some
            key = key_of(item)
            if key in held:
                called = f"{key.kind} {key.namespace}/{key.name}" if key.namespace else f"{key.kind} {key.name}"
                text = f"{escaped(str(path))}: {called} also stands in {escaped(str(origin[key]))}; this one counts"
                doubles[called] = text
            held[key] = item
            origin[key] = path
    return held, doubles
