"""Who a source address is. Wrong answers here are another tenant's policy, so doubt is said and never guessed away."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from dnspolicy.cluster.addresses import canonical
from dnspolicy.cluster.alarms import Alarms
from dnspolicy.cluster.objects import Node, Pod
from dnspolicy.cluster.tables import Tables
from dnspolicy.model.identity import NO_LABELS, ClientKind, Identity

MAX_STRANGERS = 10_000


class Identities:
    """Identities by address, each found once and kept until the index says that it moved.

    Addresses of the cluster are as many as the cluster has; of others at most `MAX_STRANGERS` are kept.
    `complete` says whether every kind of object is loaded: before, nobody is called external.
    """

    def __init__(self, tables: Tables, complete: Callable[[], bool], alarms: Alarms | None = None) -> None:
        self._tables = tables
        self._alarms = alarms or Alarms(tables)
        self._complete = complete
        self._found: dict[str, Identity] = {}
        self._strangers: dict[str, None] = {}

    def identify(self, address: str) -> Identity:
        """Who it is, in any spelling of the address; what is no address is unknown."""
        found = self._found.get(address)
        if found is not None:
            return found
        try:
            text = canonical(address)
        except ValueError:
            return Identity(ClientKind.UNKNOWN, "not an IP address", address)
        return self._found.get(text) or self._remember(text)

    def strangers(self) -> dict[str, Identity]:
        """The remembered identities of addresses that no object holds."""
        return {address: self._found[address] for address in self._strangers}

    def forget(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            self._found.pop(address, None)
            self._strangers.pop(address, None)

    def _remember(self, address: str) -> Identity:
        found = self.find(address)
        if found.kind in (ClientKind.EXTERNAL, ClientKind.UNKNOWN):
            if len(self._strangers) >= MAX_STRANGERS:
                self.forget((next(iter(self._strangers)),))
            self._strangers[address] = None
        self._found[address] = found
        return found

    def find(self, address: str) -> Identity:
        """Who a canonical address is, worked out afresh, with the alarms about it."""
        found = self._find(address)
        alarms = self._alarms.of(found)
        return msgspec.structs.replace(found, alarms=alarms) if alarms else found

    def _find(self, address: str) -> Identity:
        tables = self._tables
        live = [pod for pod in tables.holders.get(address) if not pod.finished]
        pods = [pod for pod in live if not pod.host_network]
        nodes = tables.nodes_at.get(address)
        if not pods:
            return self._host(address, nodes, live) if nodes or live else self._nobody(address)
        if nodes or len(live) > len(pods):
            holders = [f"node {nodes[0].name}"] if nodes else [_called(p) for p in live if p.host_network][:1]
            return _ambiguous(address, [_called(pods[0]), *holders])
        owners = _owners(pods)
        if len(owners) > 1:
            return _ambiguous(address, [_called(pod) for pod in owners])
        return self._pod(address, owners[0], len(pods))

    def _pod(self, address: str, pod: Pod, holders: int) -> Identity:
        tables = self._tables
        namespace = tables.namespaces.get(pod.namespace)
        node = tables.nodes.get(pod.node) if pod.node is not None else None
        why = "address of a live pod" if holders == 1 else "address of the newest live pod that is not leaving"
        if pod.leaving:
            why = "address of a pod that is being deleted"
        return Identity(
            ClientKind.POD,
            why,
            address,
            namespace=pod.namespace,
            pod=pod.name,
            uid=pod.uid or None,
            labels=pod.labels,
            namespace_labels=NO_LABELS if namespace is None else namespace.labels,
            service_account=pod.service_account,
            node=pod.node,
            zone=None if node is None else node.zone,
            owner=pod.owner,
        )

    def _host(self, address: str, nodes: tuple[Node, ...], pods: list[Pod]) -> Identity:
        names: set[str | None] = {node.name for node in nodes}
        names = names or {pod.node for pod in pods}
        name = next(iter(names)) if len(names) == 1 else None
        node = self._tables.nodes.get(name) if name is not None else None
        why = "address of a node" if nodes else "only hostNetwork pods hold this address"
        if len(nodes) > 1:
            why = f"address of {len(nodes)} nodes"
        return Identity(ClientKind.HOST, why, address, node=name, zone=None if node is None else node.zone)

    def _nobody(self, address: str) -> Identity:
        if not self._complete():
            return Identity(ClientKind.UNKNOWN, "the cluster is not loaded yet", address)
        if self._tables.holders.get(address):
            return Identity(ClientKind.UNKNOWN, "only finished pods had this address", address)
        if address in self._tables.networks:
            return Identity(ClientKind.UNKNOWN, "in a pod network, but no pod has this address", address)
        return Identity(ClientKind.EXTERNAL, "not an address of this cluster", address)


def _owners(pods: list[Pod]) -> list[Pod]:
    """Those that may own an address held by all of `pods`: who stays before who leaves, of leavers the newest."""
    staying = [pod for pod in pods if not pod.leaving]
    if staying or len(pods) == 1:
        return staying or pods
    newest = max(pod.started for pod in pods)
    return [pod for pod in pods if pod.started == newest]


def _called(pod: Pod) -> str:
    return f"{pod.namespace}/{pod.name}"


def _ambiguous(address: str, holders: list[str]) -> Identity:
    more = f" and {len(holders) - 2} more" if len(holders) > 2 else ""
    return Identity(ClientKind.AMBIGUOUS, f"held by {holders[0]} and {holders[1]}{more}", address)
