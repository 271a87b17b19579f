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

from tests.bench import cluster, corefiles
from tests.bench.servers import Unusable

COREDNS = "github.com/coredns/coredns@v1.15.0"
HERE = Path(__file__).resolve().parents[2]
OWN_BIN = HERE / ".cache" / "bin"


class Role(StrEnum):
    """What a server is set up for."""

    HITS = "hits"
    """The cluster's names, answered from what is finished: a cache or local data."""
    KUBEADM = "kubeadm"
    """What an API server holds, and everything else from the upstream: kubeadm's Corefile."""
    VERIFIED = "verified"
    """The same with `pods verified`."""
    AUTOPATH = "autopath"
    """The same with `autopath @kubernetes` too, on a machine that searches two domains."""
    IDLE = "idle"
    """kubeadm's Corefile with directives that have nothing to do."""
    BY_NAME = "by name"
    """kubeadm's Corefile under a policy that reads the name."""
    FORWARD = "forward"
    """Everything from the upstream, for servers without a Corefile."""


@dataclass(frozen=True)
class Setup:
    """Where and for what one server is set up. `kubeconfig` leads to the API server, `upstream` is its port or 0."""

    role: Role
    folder: Path
    port: int
    upstream: int
    kubeconfig: Path | None = None
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
    cluster.write_policy(
        folder / "policy", cluster.NAME_POLICY if setup.role is Role.BY_NAME else cluster.TENANT_POLICY
    )
    if setup.kubeconfig is None:
        cluster.write_manifests(folder / "manifests")
        source = f"manifests {folder / 'manifests'}"
    else:
        source = f"kubeconfig {setup.kubeconfig}"
    more = (*corefiles.own(folder), *_more(setup))
    text = corefiles.kubeadm(setup.port, setup.upstream, source, pods=_pods(setup), more=more)
    (folder / "Corefile").write_text(text)
    return _searching(setup, [program, "serve", "--conf", str(folder / "Corefile")])


def _coredns(program: str, setup: Setup) -> list[str]:
    folder = setup.folder
    if setup.role is Role.HITS:
        cluster.write_hosts(folder / "hosts")
        text = corefiles.hits(setup.port, folder / "hosts")
    elif setup.kubeconfig is None:
        raise Unusable("needs kube-apiserver, etcd and openssl: make peers")
    else:
        source = f"kubeconfig {setup.kubeconfig} test"
        text = corefiles.kubeadm(setup.port, setup.upstream, source, pods=_pods(setup), more=_more(setup))
    (folder / "Corefile").write_text(text)
    return _searching(setup, [program, "-conf", str(folder / "Corefile")])


def _pods(setup: Setup) -> str:
    return "verified" if setup.role in (Role.VERIFIED, Role.AUTOPATH) else "insecure"


def _more(setup: Setup) -> tuple[str, ...]:
    """Directives beside kubeadm's."""
    if setup.role is Role.AUTOPATH:
        return ("autopath @kubernetes",)
    return corefiles.IDLE if setup.role is Role.IDLE else ()


def _searching(setup: Setup, command: list[str]) -> list[str]:
    """The command, on a machine with a search list of its own where the role wants one."""
    if setup.role is not Role.AUTOPATH:
        return command
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        raise Unusable("needs root and unshare, to give the machine another search list")
    path = setup.folder / "resolv.conf"
    path.write_text(f"nameserver 127.0.0.1\nsearch {' '.join(cluster.MACHINE_SEARCH)}\n")
    return ["unshare", "--mount", "sh", "-c", f'mount --bind {path} /etc/resolv.conf && exec "$@"', "sh", *command]


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
    cluster.write_empty_zone(folder / "empty.zone")
    (folder / "knot.conf").write_text(
        f"server:\n  listen: 127.0.0.1@{setup.port}\n  rundir: {folder}\n  udp-workers: 1\n  tcp-workers: 1\n"
        f"  background-workers: 1\nlog:\n  - target: stderr\n    any: warning\n"
        f"database:\n  storage: {folder / 'db'}\n"
        f"zone:\n  - domain: {cluster.ZONE}\n    file: {folder / 'cluster.zone'}\n"
        f"  - domain: {cluster.FOREIGN}\n    file: {folder / 'foreign.zone'}\n"
        f"  - domain: {cluster.EMPTY}\n    file: {folder / 'empty.zone'}\n"
    )
    return [program, "-c", str(folder / "knot.conf")]
