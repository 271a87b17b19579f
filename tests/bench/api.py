"""The API server that dnspolicy and CoreDNS look at: a real one, filled with the cluster."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from dnspolicy.testing.apiserver.resources import Manifest
from tests.bench import cluster
from tests.peers.find import missing
from tests.real.cluster import ADMIN, PROGRAMS, RealCluster, kubeconfig

ABSENT = missing(*PROGRAMS)
"""Programs it needs that are not here."""


class Api:
    """Holds the small cluster, and the big one after `grow`. While others are measured it runs on `core` alone."""

    def __init__(self, real: RealCluster, core: int) -> None:
        self._real = real
        self._core = core
        self._big = False
        self.kubeconfig = kubeconfig(real.folder / "kubeconfig", real.url, ADMIN, real.authority.certificate)
        self._put(cluster.small())

    def grow(self) -> None:
        if not self._big:
            self._big = True
            self._put(cluster.growth())

    def _put(self, objects: Iterable[Manifest]) -> None:
        self._run_on(os.sched_getaffinity(0))
        waiting = list(objects)
        for kinds in (("Namespace",), ("Pod", "Service", "EndpointSlice")):
            self._real.control.put_all(one for one in waiting if one["kind"] in kinds)
        self._run_on({self._core})

    @staticmethod
    def _run_on(cores: set[int]) -> None:
        for program in psutil.Process().children():
            for thread in program.threads():
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(thread.id, cores)


@contextlib.contextmanager
def api_server(folder: Path, core: int) -> Iterator[Api | None]:
    """Running and filled; None where its programs are not here."""
    if ABSENT:
        yield None
        return
    folder.mkdir()
    real = RealCluster(folder, {})
    try:
        real.start()
        yield Api(real, core)
    finally:
        real.close()
