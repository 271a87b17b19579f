"""What all rooms of one server share, made once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.http import HttpListeners
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.apiserver.credentials import NotInCluster
from dnspolicy.cluster.apiserver.options import Options
from dnspolicy.cluster.apiserver.source import ApiServer
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.manifests import Manifests
from dnspolicy.cluster.source import ClusterSource
from dnspolicy.cluster.things import Collection
from dnspolicy.plugins.forward.forwarder import Forwarder
from dnspolicy.plugins.prometheus.tally import Tally

Write = Callable[[str], None]


class Use(Enum):
    """What a configuration is built for."""

    SERVE = auto()
    ASK = auto()
    """A tool asks, perhaps beside a server of the same configuration: what that one keeps on disk, or puts into an
    engine elsewhere, is read and not written."""
    CHECK = auto()
    """As ASK, and the cluster it is for need not be around."""


class Halt:
    """How a room ends the server: it is called with the reason, of which the first counts; then `asked` is set."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.asked = asyncio.Event()

    def __call__(self, reason: str) -> None:
        if self.reason is None:
            self.reason = reason
        self.asked.set()


class Nobody(msgspec.Struct, frozen=True, eq=False):
    """Follows nothing: the collection stays empty and incomplete."""

    collection: Collection

    async def end(self) -> None:
        """Nothing."""


class Unreached(msgspec.Struct, frozen=True, eq=False):
    """The cluster of a pod, looked at from outside of it: it never loads."""

    index: Index

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""

    async def synced(self, seconds: float) -> bool:
        return False

    def follow(self, collection: Collection) -> Nobody:
        return Nobody(collection)

    def complaints(self) -> tuple[str, ...]:
        return ()


class Parts:
    """`out` and `err` take whole lines for standard output and standard error."""

    def __init__(self, clock: Clock, out: Write, err: Write, use: Use = Use.SERVE) -> None:
        self._use = use
        self.clock = clock
        self.out = out
        self.err = err
        self.metrics = Metrics()
        self.listeners = HttpListeners()
        self.forwarder = Forwarder(clock=clock, metrics=self.metrics)
        self.tally = Tally(self.metrics)
        self.halt = Halt()
        self.sources: dict[Path | Options, ClusterSource] = {}

    @property
    def keeps(self) -> bool:
        """Whether copies are written to the disk for another start, and documents put into engines elsewhere."""
        return self._use is Use.SERVE

    def source(self, wanted: Path | Options) -> ClusterSource:
        """The cluster in a folder, loaded, or that of an API server.

        Raises ManifestError when the folder cannot be read, ConfigError when there is no way to the API server.
        """
        found = self.sources.get(wanted)
        if found is None:
            found = self.sources[wanted] = self._open(wanted)
        return found

    def _open(self, wanted: Path | Options) -> ClusterSource:
        log = logging.getLogger("dnspolicy.cluster")
        if isinstance(wanted, Options):
            try:
                return ApiServer(wanted, clock=self.clock, metrics=self.metrics, log=log, keeps=self.keeps)
            except NotInCluster:
                if self._use is not Use.CHECK:
                    raise
                return Unreached(Index(self.clock, self.metrics, wanted.kinds))
        manifests = Manifests(wanted, Index(self.clock, self.metrics), self.clock, self.metrics, log)
        manifests.load()
        return manifests

    def forget(self, source: ClusterSource) -> None:
        """A source that nobody uses any more; the next to ask for it gets a new one."""
        self.sources = {key: other for key, other in self.sources.items() if other is not source}

    def no_cluster(self) -> Index:
        """An index that holds nothing and waits for nothing."""
        return Index(self.clock, self.metrics, ())
