"""The same policies decided by every engine: in the server, by a decision point, by Open Policy Agent."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from dnspolicy.app import read_plan
from dnspolicy.app.parts import Parts
from dnspolicy.chain.clock import Clock
from dnspolicy.cluster.manifests import Manifests
from tests.peers.find import find
from tests.unit.engines.opa.control import Control

_OF_THE_ENGINE = ("entrypoint", "data", "bundle")
"""Words of a policy block that stand where the policy is."""


HOLD = 1.0
"""Seconds that decisions of OPA are remembered, as nothing in them tells that its own data changed."""


class Engine(StrEnum):
    REGO = "rego"
    GRPC = "grpc"
    OPA = "opa"


class Deciding(Protocol):
    """`lines` are those of the server's policy block."""

    lines: list[str]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def look(self) -> None:
        """See the cluster as it is now."""
        ...

    def refused(self) -> float:
        """How many changes of the policy were refused beside the server."""
        ...

    def data(self) -> object:
        """The data it decides with, where the revision does not tell that they changed."""
        ...


class InTheServer:
    def __init__(self, rego: Sequence[str], options: Sequence[str]) -> None:
        self.lines = [f"rego {' '.join(rego)}", *options]

    async def start(self) -> None:
        """Nothing beside the server."""

    async def stop(self) -> None:
        """Nothing beside the server."""

    def look(self) -> None:
        """Nothing beside the server."""

    def refused(self) -> float:
        return 0.0

    def data(self) -> object:
        return None


class AtADecisionPoint:
    """`dnspolicy pdp` with the embedded engine, on a Unix socket whose path is short."""

    def __init__(self, rego: Sequence[str], options: Sequence[str], folder: Path, clock: Clock) -> None:
        inside, outside = _divided(options)
        self._socket = Path(tempfile.mkdtemp(prefix="pdp")) / "s"
        self._corefile = folder / "Corefile.pdp"
        self._corefile.write_text(_corefile([f"rego {' '.join(rego)}", *inside]))
        self._parts = Parts(clock, _nowhere, _nowhere)
        self.lines = [f"grpc unix:{self._socket}", *outside]

    async def start(self) -> None:
        from dnspolicy.app.pdp import Options, open_pdp

        plan = await asyncio.to_thread(read_plan, self._corefile, {})
        self._pdp = open_pdp(plan, Options((f"unix:{self._socket}",), drain=0.0), self._parts)
        await self._pdp.start()
        for source in self._parts.sources.values():
            await source.stop()

    def look(self) -> None:
        poll(self._parts)

    async def stop(self) -> None:
        await self._pdp.stop()
        self._socket.parent.rmdir()

    def refused(self) -> float:
        failed = self._parts.metrics.counter("dnspolicy_policy_reload_failed_total", "")
        return sum(failed.values.values())

    def data(self) -> object:
        return None


class InOpa:
    """A real one, which looks at the folders by itself. The server is told what it can read there."""

    def __init__(self, rego: Sequence[str], options: Sequence[str], folder: Path) -> None:
        program = find("opa")
        assert program is not None
        self._control = Control(program, folder, ("--watch", "--ignore=*_test.rego", *rego))
        self.lines = [f"opa {self._control.url} {{", f"rego {' '.join(rego)}", f"hold {HOLD}s", "}", *options]

    async def start(self) -> None:
        await asyncio.to_thread(self._control.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._control.close)

    def look(self) -> None:
        """It is told what it has to know."""

    def refused(self) -> float:
        return 0.0

    def data(self) -> object:
        return self._control.ask("GET", "/v1/data")


def deciding(engine: Engine, rego: Sequence[str], options: Sequence[str], folder: Path, clock: Clock) -> Deciding:
    """What decides by the policies in some folders. `options` are further lines of the policy block."""
    match engine:
        case Engine.REGO:
            return InTheServer(rego, options)
        case Engine.GRPC:
            return AtADecisionPoint(rego, options, folder, clock)
        case Engine.OPA:
            return InOpa(rego, options, folder)


def poll(parts: Parts) -> None:
    """See the manifest files as they are now; a change counts when two looks see the same."""
    for source in parts.sources.values():
        assert isinstance(source, Manifests)
        source.poll()
        source.poll()


def _divided(options: Sequence[str]) -> tuple[list[str], list[str]]:
    inside = [line for line in options if line.split()[0] in _OF_THE_ENGINE]
    return inside, [line for line in options if line not in inside]


def _corefile(lines: Sequence[str]) -> str:
    cluster = ("kubernetes cluster.local {", "manifests cluster", "}")
    return "\n".join((". {", *cluster, "policy {", "timeout 5s", "reload 20ms", *lines, "}", "}", ""))


def _nowhere(line: str) -> None:
    """Standard output and standard error of the decision point."""
