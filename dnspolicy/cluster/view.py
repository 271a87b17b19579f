"""What rooms may ask of the cluster. `Index` is the one implementation; sources fill it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from dnspolicy.cluster.objects import Endpoint, EndpointSlice, Namespace, Node, Pod, Service
from dnspolicy.model.answer import Dependencies
from dnspolicy.model.identity import Identity
from dnspolicy.model.name import Name
from dnspolicy.model.target import Target

Listener = Callable[[Dependencies], None]
"""Called after a change with everything that moved; on the event loop's thread.

An identity rests on its address (`Rests.IP`). Those of addresses that nobody holds, of which only some are remembered,
also rest on `(Rests.CLUSTER, "networks")`: which addresses could be pods.
"""


class ClusterView(Protocol):
    """All look-ups are dictionary look-ups. Addresses are canonical text (`inet_ntop`), IPv4-mapped ones as IPv4."""

    @property
    def serial(self) -> int:
        """Unix time (seconds) of the last change that answers can show; never goes back."""
        ...

    def missing(self) -> tuple[str, ...]:
        """Kinds of objects not loaded yet; empty when the index is complete."""
        ...

    def waits_for(self) -> tuple[str, ...]:
        """The same for people: kinds by the reason why they are not loaded, where one is known."""
        ...

    def namespace(self, name: str) -> Namespace | None: ...

    def service(self, namespace: str, name: str) -> Service | None: ...

    def services(self) -> tuple[Service, ...]:
        """All services (for zone transfers and tools, not for answering)."""
        ...

    def slices(self, namespace: str, service: str) -> tuple[EndpointSlice, ...]: ...

    def node(self, name: str) -> Node | None: ...

    def pod(self, namespace: str, name: str) -> Pod | None: ...

    def services_at(self, address: str) -> tuple[Service, ...]:
        """Services with this ClusterIP."""
        ...

    def endpoints_at(self, address: str) -> tuple[tuple[EndpointSlice, Endpoint], ...]:
        """Ready endpoints with this address.

        Their move is announced for the endpoint itself and for namespace, name, service and labels of its slice; not
        for the slice's other endpoints and ports.
        """
        ...

    def pods_at(self, address: str) -> tuple[Pod, ...]:
        """Live pods (not finished) that hold this address, without hostNetwork pods."""
        ...

    def holders_at(self, address: str) -> tuple[Pod, ...]:
        """Live pods (not finished) that hold this address, hostNetwork pods included."""
        ...

    def identify(self, address: str) -> Identity:
        """Who a source address is."""
        ...

    async def await_identity(self, address: str, seconds: float) -> Identity:
        """Who it is, waiting up to `seconds` for news of an address nobody knows. Waiters are bounded."""
        ...

    def targets(self, name: Name, zones: tuple[Name, ...], endpoints: bool) -> tuple[Target, ...]:
        """What `name` points at by the grammar of `zones`; several only for an address with several owners.

        With `endpoints`, services carry theirs.
        """
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear of changes; the result ends it."""
        ...
