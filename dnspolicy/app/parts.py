"""What all rooms of one server share, made once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.http import HttpListeners
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.manifests import Manifests
from dnspolicy.plugins.forward.forwarder import Forwarder
from dnspolicy.plugins.prometheus.tally import Tally

Write = Callable[[str], None]


class Source(msgspec.Struct, frozen=True, eq=False):
    """One cluster: its index, and the folder that fills it (None: an API server that is not reached)."""

    index: Index
    manifests: Manifests | None


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
        self.sources: dict[Path | None, Source] = {}

    def source(self, folder: Path | None) -> Source:
        """The cluster in `folder`, loaded. Raises ManifestError when the folder cannot be read."""
        found = self.sources.get(folder)
        if found is None:
            index = Index(self.clock, self.metrics)
            manifests = None
            if folder is not None:
                manifests = Manifests(folder, index, self.clock, self.metrics, logging.getLogger("dnspolicy.cluster"))
                manifests.load()
            found = self.sources[folder] = Source(index, manifests)
        return found

    def no_cluster(self) -> Index:
        """An index that holds nothing and waits for nothing."""
        return Index(self.clock, self.metrics, ())
