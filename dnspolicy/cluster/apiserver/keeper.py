"""Keeps a snapshot of the index on disk."""

from __future__ import annotations

import asyncio
from logging import Logger
from pathlib import Path

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.apiserver.intake import portions
from dnspolicy.cluster.apiserver.options import Timing
from dnspolicy.cluster.apiserver.snapshot import BadSnapshot, Snapshot, read, write
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.objects import Kind


class Keeper:
    """Writes the index to `path` when it is complete and changes have settled, and brings it back.

    `cluster` is written into the file; a file of another cluster is not used.
    """

    def __init__(
        self, path: Path, cluster: str, kinds: tuple[Kind, ...], index: Index, timing: Timing, clock: Clock,
        metrics: Metrics, log: Logger,
    ) -> None:  # fmt: skip
        self._path = path
        self._cluster = cluster
        self._kinds = kinds
        self._index = index
        self._timing = timing
        self._clock = clock
        self._log = log
        self._moved = asyncio.Event()
        self._problem = ""
        self._success = metrics.gauge(
            "dnspolicy_cluster_snapshot_last_success_seconds", "Unix time at which the snapshot was last written."
        )

    def moved(self) -> None:
        """The index has changed."""
        self._moved.set()

    async def restore(self) -> float | None:
        """Bring the index back. Returns how old it is (seconds); None when there is nothing to bring back."""
        try:
            found = await asyncio.to_thread(read, self._path, self._cluster)
        except BadSnapshot as problem:
            self._log.warning("snapshot %s is not used: %s", self._path, problem)
            return None
        if found is None:
            return None
        for items in portions(found.objects):
            self._index.apply(items)
            await asyncio.sleep(0)
        self._index.apply((), (), found.kinds)
        age = max(0.0, self._clock.wall() - found.saved)
        self._log.warning("serving the cluster of %d s ago, from snapshot %s, until the API answers", age, self._path)
        return age

    async def run(self) -> None:
        """Write until cancelled: some time after changes, not too often; now and then to say that it still holds."""
        timing = self._timing
        while True:
            try:
                async with asyncio.timeout(timing.snapshot_most):
                    await self._moved.wait()
            except TimeoutError:
                pass
            else:
                await asyncio.sleep(timing.settle)
            await self.save()
            await asyncio.sleep(timing.snapshot_least)

    async def save(self) -> None:
        """Write the index, if it is complete."""
        if self._index.missing():
            return
        self._moved.clear()
        objects = tuple(item for kind in self._kinds for item in self._index.held(kind))
        snapshot = Snapshot(self._cluster, self._clock.wall(), self._kinds, objects)
        problem = ""
        try:
            await asyncio.to_thread(write, self._path, snapshot)
            self._success.set(self._clock.wall())
        except OSError as error:
            problem = error.strerror or str(error)
            if problem != self._problem:
                self._log.warning("snapshot %s cannot be written: %s", self._path, problem)
        self._problem = problem

    @property
    def dirty(self) -> bool:
        """Whether there is something that was not written yet."""
        return self._moved.is_set()
