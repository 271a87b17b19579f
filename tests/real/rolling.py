"""Pods that are replaced by others, as a deployment does it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from dnspolicy.testing.apiserver.resources import Manifest
from tests.contract.clusters import endpoints, pod, service
from tests.real.cluster import RealCluster
from tests.real.history import History

RED, BLUE = "red", "blue"
"""Two tenants, each with the namespace of its name."""
NOBODY = "nobody"
SERVICES, REPLICAS = 50, 10


class Rolling:
    """Headless services of `RED`, whose pods are replaced one by one; freed addresses go to pods of `BLUE`."""

    def __init__(self, cluster: RealCluster) -> None:
        self._control = cluster.control
        self.pods = {f"s{n:02}": [f"10.5.{n}.{i + 1}" for i in range(REPLICAS)] for n in range(SERVICES)}
        self.truth = {name: History(frozenset(ips)) for name, ips in self.pods.items()}
        self.owner = {ip: History(RED) for ips in self.pods.values() for ip in ips}

    def fill(self) -> None:
        for name, ips in self.pods.items():
            self._control.put_all(pod(RED, _pod(ip), ip) for ip in ips)
            self._control.put(service(RED, name, "None"))
            self._control.put(self._slice(name))

    def roll(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._roll_one, self.pods))

    def _roll_one(self, name: str) -> None:
        """As a deployment does: the new one, the slice, then the old one goes; and others take its address."""
        control = self._control
        for at, old in enumerate(list(self.pods[name])):
            new = old.replace("10.5.", "10.6.")
            self.owner[new] = History(NOBODY)
            self.owner[new].become(RED, lambda new=new: control.put(pod(RED, _pod(new), new)))
            self.pods[name][at] = new
            self.truth[name].become(frozenset(self.pods[name]), lambda: control.put(self._slice(name)))
            self.owner[old].become(NOBODY, lambda old=old: control.remove("Pod", RED, _pod(old)))
            self.owner[old].become(BLUE, lambda old=old: control.put(pod(BLUE, _pod(old), old)))

    def _slice(self, name: str) -> Manifest:
        return endpoints(RED, f"{name}-x", name, *((ip, "") for ip in self.pods[name]))


def _pod(ip: str) -> str:
    return "p-" + ip.replace(".", "-")
