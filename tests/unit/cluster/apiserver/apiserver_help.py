"""A fake API server with a source beside it, on one event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.apiserver.options import Connect, Options, Timing
from dnspolicy.cluster.apiserver.source import ApiServer
from dnspolicy.testing.apiserver import FakeApiServer

LOG = logging.getLogger("dnspolicy.cluster")
QUICK = Timing(
    pause_first=0.01, pause_most=0.05, steady=60.0, initial_quiet=0.2, forbidden=0.1, token=0.0, settle=0.01,
    snapshot_least=0.01,
)  # fmt: skip
PATIENCE = 10.0


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def service(name: str, ip: str = "10.96.0.1") -> dict[str, Any]:
    spec = {"clusterIP": ip, "clusterIPs": [ip], "ports": [{"port": 80}]}
    return {"kind": "Service", "metadata": {"namespace": "shop", "name": name}, "spec": spec}


def pod(name: str, ip: str, phase: str = "Running", **labels: str) -> dict[str, Any]:
    meta = {"namespace": "shop", "name": name, "labels": labels}
    return {"kind": "Pod", "metadata": meta, "spec": {"nodeName": "n1"}, "status": {"phase": phase, "podIP": ip}}


def endpoints(name: str, *ips: str, **annotations: str) -> dict[str, Any]:
    meta = {"namespace": "shop", "name": name, "labels": {"kubernetes.io/service-name": "web"}}
    return {
        "kind": "EndpointSlice",
        "metadata": meta | {"annotations": annotations},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ip], "conditions": {"ready": True}} for ip in ips],
        "ports": [{"name": "http", "port": 80}],
    }


class World:
    """The server, its source, and what that counted."""

    def __init__(self, server: FakeApiServer, options: Options, timing: Timing) -> None:
        self.server = server
        self.metrics = Metrics()
        self.source = ApiServer(options, clock=SystemClock(), metrics=self.metrics, log=LOG, timing=timing)
        self.index = self.source.index

    def counted(self, name: str, *labels: str) -> Any:
        found = next(metric for metric in self.metrics.collect() if metric.name == name)
        return getattr(found, "values").get(labels)  # noqa: B009 each kind of metric has its own type of values


@asynccontextmanager
async def world(
    server: FakeApiServer, timing: Timing = QUICK, start: bool = True, **options: Any
) -> AsyncIterator[World]:
    """Objects can be put before, faults set, and options given; the source is started."""
    async with server:
        chosen = msgspec.structs.replace(Options(connect=Connect(endpoint=server.url)), **options)
        made = World(server, chosen, timing)
        if start:
            await made.source.start()
        try:
            yield made
        finally:
            await made.source.stop()


async def until(what: Callable[[], object]) -> None:
    """Wait until it is true."""
    async with asyncio.timeout(PATIENCE):
        while not what():  # noqa: ASYNC110 the index tells of moves, not of all that is waited for here
            await asyncio.sleep(0.005)
