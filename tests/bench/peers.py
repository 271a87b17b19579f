"""The servers, and how each is set up to hold the same data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.bench import cluster

COREDNS = "github.com/coredns/coredns@v1.15.0"
HERE = Path(__file__).resolve().parents[2]
OWN_BIN = HERE / ".cache" / "bin"


class Role(StrEnum):
    """What a server is set up for."""

    HITS = "hits"
    """The cluster's names, answered from what is finished: a cache or local data."""
    CLUSTER = "cluster"
    """The cluster's names, from the data themselves."""
    FORWARD = "forward"
    """Everything goes to the upstream."""
    NAME_POLICY = "name policy"
    """The cluster's names under a policy that reads the name."""


@dataclass(frozen=True)
class Setup:
    """Where and for what one server is set up."""

    role: Role
    folder: Path
    port: int
    upstream: int
    arguments: tuple[str, ...] = ()
    """More words for the command line."""


@dataclass(frozen=True)
class Peer:
    """One kind of server. `program` is its executable, None when it is not here; then `install` says how to get it."""

    name: str
    program: str | None
    install: str
    configure: Callable[[str, Setup], list[str]]

    def command(self, setup: Setup) -> list[str]:
        """Write the configuration; give the command line."""
        assert self.program is not None
        setup.folder.mkdir(parents=True, exist_ok=True)
        return [*self.configure(self.program, setup), *setup.arguments]


def find(install_coredns: bool) -> dict[str, Peer]:
    """All peers by name, present or not."""
    coredns = _find_coredns()
    if coredns is None and install_coredns and shutil.which("go"):
        coredns = _build_coredns()
    own = Path(sys.executable).parent / "dnspolicy"
    return {
        peer.name: peer
        for peer in (
            Peer("dnspolicy", str(own) if own.exists() else None, "make venv", _dnspolicy),
            Peer("Unbound", _which("unbound"), "apt-get install unbound", _unbound),
            Peer("Knot", _which("knotd"), "apt-get install knot", _knot),
            Peer("CoreDNS", coredns, f"go install {COREDNS}", _coredns),
        )
    }


def _which(program: str) -> str | None:
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")


def _find_coredns() -> str | None:
    for folder in (OWN_BIN, Path.home() / "go" / "bin"):
        if (folder / "coredns").exists():
            return str(folder / "coredns")
    return _which("coredns")


def _build_coredns() -> str | None:
    print(f"Building {COREDNS} into {OWN_BIN.relative_to(HERE)}; this takes some minutes, once.", flush=True)
    OWN_BIN.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(["go", "install", COREDNS], env={**os.environ, "GOBIN": str(OWN_BIN)}, check=False)
    return str(OWN_BIN / "coredns") if built.returncode == 0 else None


def _dnspolicy(program: str, setup: Setup) -> list[str]:
    folder = setup.folder
    cluster.write_manifests(folder / "manifests")
    by_name = setup.role is Role.NAME_POLICY
    cluster.write_policy(folder / "policy", cluster.NAME_POLICY if by_name else cluster.TENANT_POLICY)
    forward = f"    forward . 127.0.0.1:{setup.upstream}\n" if setup.role is Role.FORWARD else ""
    (folder / "Corefile").write_text(
        f".:{setup.port} {{\n    bind 127.0.0.1\n    errors\n    prometheus 127.0.0.1:0\n"
        f"    policy {{\n        rego {folder / 'policy'}\n    }}\n"
        f"    audit {{\n        file {folder / 'audit.jsonl'}\n    }}\n"
        f"    kubernetes {cluster.ZONE} {{\n        manifests {folder / 'manifests'}\n    }}\n"
        f"    cache {{\n        disable success {cluster.ZONE}\n        disable denial {cluster.ZONE}\n    }}\n"
        f"{forward}}}\n"
    )
    return [program, "serve", "--conf", str(folder / "Corefile")]


def _coredns(program: str, setup: Setup) -> list[str]:
    folder = setup.folder
    cluster.write_hosts(folder / "hosts")
    cluster.write_zone(folder / "zone")
    source = {
        Role.HITS: f"hosts {folder / 'hosts'} {cluster.ZONE} {{\n        ttl 5\n    }}",
        Role.CLUSTER: f"file {folder / 'zone'} {cluster.ZONE}",
        Role.FORWARD: f"forward . 127.0.0.1:{setup.upstream}",
    }[setup.role]
    (folder / "Corefile").write_text(
        f".:{setup.port} {{\n    bind 127.0.0.1\n    errors\n    prometheus 127.0.0.1:0\n    cache\n    {source}\n}}\n"
    )
    return [program, "-conf", str(folder / "Corefile")]


def _unbound(program: str, setup: Setup) -> list[str]:
    lines = [
        "server:",
        f"interface: 127.0.0.1@{setup.port}",
        "access-control: 127.0.0.0/8 allow",
        "num-threads: 1",
        "do-daemonize: no",
        'username: ""',
        'chroot: ""',
        'pidfile: ""',
        "use-syslog: no",
        'module-config: "iterator"',
        "do-not-query-localhost: no",
    ]
    if setup.role is Role.FORWARD:
        # `test.` is answered locally by default (RFC 6761).
        lines += ['local-zone: "test." nodefault', "forward-zone:", 'name: "."']
        lines += [f"forward-addr: 127.0.0.1@{setup.upstream}"]
    else:
        lines += [f'local-zone: "{cluster.ZONE}." static']
        lines += [f'local-data: "{name}. 5 IN A {address}"' for name, address in cluster.names()]
    path = setup.folder / "unbound.conf"
    path.write_text("\n".join(lines) + "\n")
    return [program, "-d", "-c", str(path)]


def _knot(program: str, setup: Setup) -> list[str]:
    folder = setup.folder
    cluster.write_zone(folder / "cluster.zone")
    cluster.write_foreign_zone(folder / "foreign.zone")
    (folder / "knot.conf").write_text(
        f"server:\n  listen: 127.0.0.1@{setup.port}\n  rundir: {folder}\n  udp-workers: 1\n  tcp-workers: 1\n"
        f"  background-workers: 1\nlog:\n  - target: stderr\n    any: warning\n"
        f"database:\n  storage: {folder / 'db'}\n"
        f"zone:\n  - domain: {cluster.ZONE}\n    file: {folder / 'cluster.zone'}\n"
        f"  - domain: {cluster.FOREIGN}\n    file: {folder / 'foreign.zone'}\n"
    )
    return [program, "-c", str(folder / "knot.conf")]
