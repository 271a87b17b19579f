"""The search lists that kubelets give to pods, for `autopath @kubernetes`."""

from __future__ import annotations

from dnspolicy.model.identity import ClientKind, Identity
from dnspolicy.model.name import ROOT, Name
from dnspolicy.plugins.kubernetes.found import as_label, below
from dnspolicy.plugins.kubernetes.zone import Zones


class Searching:
    """`beyond` is what follows the names of the cluster: the search list of this machine.

    `clients`: pods are known by their addresses (`pods verified`); without, nobody's list is known, as in CoreDNS.
    """

    def __init__(self, zones: Zones, clients: bool, beyond: tuple[Name, ...]) -> None:
        self._zones = zones
        self._clients = clients
        self._beyond = (*beyond, ROOT)

    def path(self, identity: Identity, name: Name) -> tuple[Name, ...]:
        """The list of a pod that asks for a name below one of the zones; empty for anybody and anything else."""
        if not self._clients or identity.kind is not ClientKind.POD:
            return ()
        zone = self._zones.of(name.labels)
        namespace = as_label(identity.namespace or "")
        if zone is None or namespace is None:
            return ()
        services = below(zone.name, b"svc")
        own = below(zone.name, namespace, b"svc")
        if services is None or own is None:
            return ()
        return (own, services, zone.name, *self._beyond)
