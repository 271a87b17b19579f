"""A real kube-apiserver with its etcd, without controllers: what a test puts in is all there is."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path

from dnspolicy.testing.certificates import Authority
from tests.e2e.process import free_port
from tests.peers.find import find
from tests.real.control import Control

ADMIN = "admin-token"
PATIENCE = 60.0
"""Seconds until it must be ready."""
PROGRAMS = ("etcd", "kube-apiserver", "openssl")
_FLAGS = (
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.96.0.0/12,fd00:96::/108",
    "--disable-admission-plugins=ServiceAccount",
    "--endpoint-reconciler-type=none",
    "--service-account-issuer=https://kubernetes.default.svc",
    "--service-account-key-file=signer.crt",
    "--service-account-signing-key-file=signer.key",
    "--token-auth-file=tokens.csv",
    "--client-ca-file=authority.crt",
    "--tls-cert-file=kube-apiserver.crt",
    "--tls-private-key-file=kube-apiserver.key",
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
)


class RealCluster:
    """Lives in a folder on free ports of 127.0.0.1.

    `tokens` are more bearer tokens, each with its user's name. Without `streams` it sends lists in pages only.
    """

    def __init__(self, folder: Path, tokens: dict[str, str], *, streams: bool = True) -> None:
        self.folder = folder
        gates = {"RelaxedServiceNameValidation": True, "WatchList": streams}
        self._gates = ",".join(f"{gate}={str(on).lower()}" for gate, on in gates.items())
        self.port = free_port("127.0.0.1")
        self.url = f"https://127.0.0.1:{self.port}"
        self.authority = Authority(folder)
        self.authority.server("kube-apiserver")
        self.authority.client("signer")
        self.owner = self.authority.client("owner", "system:masters")
        users = [f"{ADMIN},admin,admin,system:masters", *(f"{token},{user},{user}" for token, user in tokens.items())]
        (folder / "tokens.csv").write_text("\n".join(users) + "\n")
        self._store = f"http://127.0.0.1:{free_port('127.0.0.1')}"
        self._etcd = self._launch(
            "etcd",
            f"--data-dir={folder}/etcd",
            f"--listen-client-urls={self._store}",
            f"--advertise-client-urls={self._store}",
            f"--listen-peer-urls=http://127.0.0.1:{free_port('127.0.0.1')}",
            "--unsafe-no-fsync",
        )
        self._server: subprocess.Popen[bytes] | None = None
        self.control = Control(self.port, ADMIN, str(self.authority.certificate))

    def start(self) -> None:
        """Run kube-apiserver until it is ready, on the port it had before."""
        self._server = self._launch(
            "kube-apiserver",
            f"--etcd-servers={self._store}",
            f"--secure-port={self.port}",
            f"--feature-gates={self._gates}",
            *_FLAGS,
        )
        _until(lambda: self.control.call("GET", "/readyz")[0] == 200)

    def kill(self) -> None:
        """End kube-apiserver at once, as a crash does."""
        if self._server is not None:
            self._server.send_signal(signal.SIGKILL)
            self._server.wait(PATIENCE)
            self._server = None

    def compact(self) -> None:
        """Forget all history in etcd."""
        self._etcd_call("kv/compaction", {"revision": self._revision(), "physical": True})

    def grant(self, user: str, *plurals: str) -> None:
        """Let a user list and watch exactly these resources, everywhere."""
        rbac, group = "/apis/rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
        rules = [{"apiGroups": ["", "discovery.k8s.io"], "resources": list(plurals), "verbs": ["list", "watch"]}]
        role = {"metadata": {"name": user}, "rules": rules if plurals else []}
        bound = {
            "metadata": {"name": user},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": user},
            "subjects": [{"kind": "User", "name": user, "apiGroup": group}],
        }
        for plural, body in (("clusterroles", role), ("clusterrolebindings", bound)):
            if self.control.call("POST", f"{rbac}/{plural}", body)[0] == 409:
                self.control.call("PATCH", f"{rbac}/{plural}/{user}", body)

    def close(self) -> None:
        self.control.close()
        self.kill()
        self._etcd.kill()
        self._etcd.wait(PATIENCE)

    def _launch(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen([str(find(program)), *words], cwd=self.folder, stdout=log, stderr=log)

    def _revision(self) -> int:
        return int(self._etcd_call("kv/range", {"key": "AA=="})["header"]["revision"])

    def _etcd_call(self, path: str, body: object) -> dict[str, dict[str, str]]:
        request = urllib.request.Request(f"{self._store}/v3/{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            found: dict[str, dict[str, str]] = json.load(reply)
            return found


def kubeconfig(path: Path, url: str, token: str, authority: Path) -> Path:
    """Write one; its path."""
    cluster = {"server": url, "certificate-authority": str(authority)}
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "test",
                "clusters": [{"name": "test", "cluster": cluster}],
                "users": [{"name": "test", "user": {"token": token}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            }
        )
    )
    return path


def _until(holds: Callable[[], bool], errors: Iterable[type[Exception]] = (OSError, http.client.HTTPException)) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except tuple(errors):
            pass
        time.sleep(0.1)
    raise AssertionError("kube-apiserver is not ready; its log stands beside its objects")
