"""An index that follows an API server, while a test waits for what it should hold."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.apiserver.options import Connect, Options, Timing
from dnspolicy.cluster.apiserver.source import ApiServer
from dnspolicy.cluster.objects import EndpointSlice, Kind, Pod
from dnspolicy.testing.apiserver.resources import Manifest
from tests.contract.clusters import Cluster

PATIENCE = 20.0
QUICK = Timing(pause_first=0.05, pause_most=0.3, forbidden=0.3, token=0.1, grace=1.0, page=3.0, initial_quiet=0.5)
_FILES = itertools.count(1)


class Following:
    """A source, as somebody who may do everything, or by a kubeconfig with a token, or the path of a token's file."""

    def __init__(self, cluster: Cluster, folder: Path, token: str | Path = "", timing: Timing = QUICK) -> None:
        connect = cluster.owner
        if token:
            config = folder / f"kubeconfig-{next(_FILES)}"
            config.write_text(json.dumps(_kubeconfig(cluster, token)))
            connect = Connect(kubeconfig=config)
        options = Options(connect=connect)
        log = logging.getLogger("tests.following")
        self.source = ApiServer(options, clock=SystemClock(), metrics=Metrics(), log=log, timing=timing)
        self.index = self.source.index

    async def __aenter__(self) -> Following:
        await self.source.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.source.stop()
        await asyncio.sleep(0.1)  # TLS says goodbye after a connection was closed

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for something to be true."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while not holds():
            assert loop.time() < deadline, f"it does not happen: {self.source.complaints()}, {self.index.waits_for()}"
            await asyncio.sleep(0.01)

    async def complains(self, *parts: str) -> None:
        """Wait for a complaint that holds these texts."""
        await self.until(lambda: any(all(part in line for part in parts) for line in self.source.complaints()))

    def held(self, kind: Kind, space: str) -> list[str]:
        """Names of what is held in a namespace."""
        return sorted(item.name for item in self.index.held(kind) if getattr(item, "namespace", "") == space)

    def pod_at(self, ip: str) -> Pod | None:
        return next(iter(self.index.pods_at(ip)), None)

    def addresses(self, space: str, service: str) -> list[str]:
        """What the slices of a service say."""
        slices: tuple[EndpointSlice, ...] = self.index.slices(space, service)
        return sorted(endpoint.address for item in slices for endpoint in item.endpoints)


def _kubeconfig(cluster: Cluster, token: str | Path) -> Manifest:
    server: dict[str, Any] = {"server": cluster.url}
    server |= {"certificate-authority": str(cluster.authority)} if cluster.authority is not None else {}
    user = {"tokenFile": str(token)} if isinstance(token, Path) else {"token": token}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }


Story = Callable[[Following], Awaitable[None]]


def follow(cluster: Cluster, folder: Path, story: Story, token: str | Path = "") -> None:
    """Tell the story of an index that follows from the beginning."""

    async def told() -> None:
        async with Following(cluster, folder, token) as following:
            await story(following)

    asyncio.run(told())


async def does(action: Callable[..., object], *words: object) -> None:
    """Change the cluster beside the event loop."""
    await asyncio.to_thread(action, *words)
