"""What all rooms of one server share, made once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.http import HttpListeners
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.manifests import Manifests
from dnspolicy.cluster.source import ClusterSource
from dnspolicy.plugins.forward.forwarder import Forwarder
from dnspolicy.plugins.prometheus.tally import Tally

Write = Callable[[str], None]


class Unreached(msgspec.Struct, frozen=True, eq=False):
    """A cluster whose API server is not reached."""

    index: Index

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""

    async def synced(self, seconds: float) -> bool:
        return False

    def complaints(self) -> tuple[str, ...]:
        return ("kubernetes: no `manifests`, the only source of a cluster so far; its names will be SERVFAIL",)


class Halt:
    """How a room ends the server: it is called with the reason, of which the first counts; then `asked` is set."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.asked = asyncio.Event()

    def __call__(self, reason: str) -> None:
        if self.reason is None:
            self.reason = reason
        self.asked.set()


class Parts:
    """`out` and `err` take whole lines for standard output and standard error."""

    def __init__(self, clock: Clock, out: Write, err: Write) -> None:
        self.clock = clock
        self.out = out
        self.err = err
        self.metrics = Metrics()
        self.listeners = HttpListeners()
        self.forwarder = Forwarder(clock=clock, metrics=self.metrics)
        self.tally = Tally(self.metrics)
        self.halt = Halt()
        self.sources: dict[Path | None, ClusterSource] = {}

    def source(self, folder: Path | None) -> ClusterSource:
        """The cluster in `folder`, loaded. Raises ManifestError when the folder cannot be read."""
        found = self.sources.get(folder)
        if found is None:
            found = self.sources[folder] = self._open(folder)
        return found

    def _open(self, folder: Path | None) -> ClusterSource:
        index = Index(self.clock, self.metrics)
        if folder is None:
            return Unreached(index)
        manifests = Manifests(folder, index, self.clock, self.metrics, logging.getLogger("dnspolicy.cluster"))
        manifests.load()
        return manifests

    def forget(self, source: ClusterSource) -> None:
        """A source that nobody uses any more; the next to ask for it gets a new one."""
        self.sources = {key: other for key, other in self.sources.items() if other is not source}

    def no_cluster(self) -> Index:
        """An index that holds nothing and waits for nothing."""
        return Index(self.clock, self.metrics, ())
