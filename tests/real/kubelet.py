"""What the owner of a cluster types, and what a kubelet makes of it: containers as processes."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.process import COMMAND, PATIENCE, Server
from tests.peers.find import find
from tests.real.cluster import ADMIN, RealCluster, kubeconfig
from tests.real.places import Pod

SYSTEM = "kube-system"


class Kubectl:
    """The command, as the owner of a cluster. `config` is the kubeconfig."""

    def __init__(self, folder: Path, cluster: RealCluster) -> None:
        self.config = kubeconfig(folder / "admin.conf", cluster.url, ADMIN, cluster.authority.certificate)

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [str(find("kubectl")), "--kubeconfig", str(self.config), *words],
            capture_output=True, text=True, timeout=3 * PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, kind: str, name: str) -> Any:
        return json.loads(self("-n", SYSTEM, "get", kind, name, "-o", "json"))


def token_of(cluster: RealCluster, account: str) -> str:
    """As the kubelet asks for it."""
    path = f"/api/v1/namespaces/{SYSTEM}/serviceaccounts"
    cluster.control.call("POST", path, {"metadata": {"name": account}})
    code, made = cluster.control.call("POST", f"{path}/{account}/token", {"spec": {"expirationSeconds": 3600}})
    assert code == 201, made
    return str(made["status"]["token"])


class Container:
    """One container of a Deployment, with the arguments and files that it has in the cluster.

    `place` is what it finds there. Volumes of the node, such as `emptyDir`, are for the test to make.
    """

    def __init__(self, kubectl: Kubectl, place: Pod, deployment: str, name: str) -> None:
        spec = kubectl.get("deployment", deployment)["spec"]["template"]["spec"]
        (self._container,) = (
            one for one in (*spec["containers"], *spec.get("initContainers", ())) if one["name"] == name
        )
        self._volumes = {volume["name"]: volume for volume in spec["volumes"]}
        self._kubectl = kubectl
        self.place = place
        self.mount()

    def mount(self) -> None:
        """ConfigMaps and Secrets as they are now."""
        for mounted in self._container["volumeMounts"]:
            data = self._content(self._volumes[mounted["name"]])
            if data is not None:
                self.place.mount(mounted["mountPath"].removeprefix("/etc/"), data)

    def start(self, instead: Mapping[str, str] | None = None, env: Mapping[str, str] | None = None) -> Server:
        """Run it, with other texts `instead` of some in its arguments, and more in its environment."""
        args = [str(word) for word in self._container["args"]]
        for old, new in (instead or {}).items():
            assert any(old in word for word in args), old
            args = [word.replace(old, new) for word in args]
        environment = self.place.environment | dict(env or {})
        return Server(*args, command=(*self.place.within, COMMAND), env=environment)

    def _content(self, volume: Mapping[str, Any]) -> dict[str, str] | None:
        if "configMap" in volume:
            return dict(self._kubectl.get("configmap", volume["configMap"]["name"])["data"])
        if "secret" in volume:
            data = self._kubectl.get("secret", volume["secret"]["secretName"])["data"]
            return {name: base64.b64decode(text).decode() for name, text in data.items()}
        return None
