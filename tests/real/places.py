"""What a process finds in a pod: its own /etc and /run, with mounted ConfigMaps and the token of a ServiceAccount."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.real.cluster import RealCluster

_SHARED = ("passwd", "group", "hosts", "nsswitch.conf", "localtime", "ssl", "ld.so.cache", "ld.so.conf", "ld.so.conf.d")
_ENTER = 'mount --bind "$0/etc" /etc && mount --bind "$0/run" /run && exec "$@"'
ACCOUNT = "secrets/kubernetes.io/serviceaccount"
"""Below /run, which /var/run leads to."""


class Pod:
    """A folder with what is the pod's own. Commands run `within` it see it in the usual places."""

    def __init__(self, folder: Path, cluster: RealCluster, token: str, *, upstream: str = "192.0.2.53") -> None:
        self.etc, self.account = folder / "etc", folder / "run" / ACCOUNT
        self.account.mkdir(parents=True)
        self.etc.mkdir()
        for name in _SHARED:
            source = Path("/etc", name)
            if source.is_dir():
                shutil.copytree(source, self.etc / name, symlinks=True, ignore=_unreadable)
            elif source.exists():
                shutil.copy(source, self.etc / name)
        (self.etc / "resolv.conf").write_text(f"nameserver {upstream}\n")
        project(self.account, {"token": token, "ca.crt": cluster.authority.certificate.read_text()})
        self.within = ("unshare", "--mount", "sh", "-c", _ENTER, str(folder))
        self.environment = {
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(cluster.port),
            "KUBERNETES_SERVICE_PORT_HTTPS": str(cluster.port),
        }

    def mount(self, place: str, data: Mapping[str, str]) -> None:
        """A ConfigMap at a place below /etc, or its next content."""
        project(self.etc / place, data)


def project(folder: Path, data: Mapping[str, str]) -> None:
    """Write files as the kubelet does: links into `..data`, which is a link to a folder and changed in one go."""
    folder.mkdir(parents=True, exist_ok=True)
    before = (folder / "..data").readlink().name if (folder / "..data").is_symlink() else ""
    number = int(before.rpartition("_")[2] or 0) + 1
    made = folder / f"..2026_{number}"
    made.mkdir()
    for name, text in data.items():
        (made / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data_tmp").symlink_to(made.name)
    (folder / "..data_tmp").rename(folder / "..data")
    for path in folder.iterdir():
        if not path.name.startswith("..") and path.name not in data:
            path.unlink()
    if before:
        shutil.rmtree(folder / before)


def _unreadable(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not os.access(Path(folder, name), os.R_OK)]
