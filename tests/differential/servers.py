"""CoreDNS and this server, both of the same cluster, on ports of the same address."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

from tests.differential.asking import listening
from tests.differential.world import HERE
from tests.e2e.process import Server, eventually, free_port
from tests.peers.find import find

ADDRESS = "10.244.0.53"
"""Of both, and of an endpoint of the Service of the name server."""
PATIENCE = 20.0


class Setup(msgspec.Struct, frozen=True):
    """One Corefile; see corefiles.yaml."""

    name: str
    client: str
    questions: int
    text: str
    slack: int = 0

    def corefile(self, port: int, source: list[str], upstream: str) -> str:
        """The Corefile as it is run."""
        text = self.text.replace("{source}", "\n        ".join(source))
        return text.replace("{port}", str(port)).replace("{upstream}", upstream)


def setups() -> list[Setup]:
    raw = yaml.safe_load((HERE / "corefiles.yaml").read_text())
    return [msgspec.convert({"name": name, **one}, Setup) for name, one in raw.items()]


class Trio(msgspec.Struct, frozen=True):
    """Where they listen."""

    coredns: tuple[str, int]
    ours: tuple[str, int]
    quirky: tuple[str, int]


@contextlib.contextmanager
def running(setup: Setup, kubeconfig: Path, upstream: str, folder: Path) -> Iterator[Trio]:
    """CoreDNS, this server, and this server with `quirks coredns`."""
    source = [f"kubeconfig {kubeconfig}"]
    ports = [free_port(ADDRESS) for _ in range(3)]
    files = [folder / f"{setup.name}-{who}.corefile" for who in ("coredns", "ours", "quirky")]
    for file, port, more in zip(files, ports, ([], [], ["quirks coredns"]), strict=True):
        file.write_text(setup.corefile(port, [*source, *more], upstream))
    trio = Trio(*((ADDRESS, port) for port in ports))
    with _ours(files[1:]), _coredns(files[0], trio.coredns):
        yield trio


@contextlib.contextmanager
def _ours(corefiles: list[Path]) -> Iterator[None]:
    """They start at the same time, which is what most of a run is spent with."""
    servers = [Server("--conf", str(path)) for path in corefiles]
    try:
        for server in servers:
            server.await_line("is ready")
        yield
    finally:
        for server in servers:
            server.kill()


@contextlib.contextmanager
def _coredns(corefile: Path, server: tuple[str, int]) -> Iterator[None]:
    with corefile.with_suffix(".log").open("w") as log:
        child = subprocess.Popen([str(find("coredns")), "-conf", str(corefile)], stdout=log, stderr=log)
    try:
        eventually(lambda: listening(server) or child.poll() is not None)
        assert child.poll() is None, corefile.with_suffix(".log").read_text()
        yield
    finally:
        child.terminate()
        child.wait(PATIENCE)
