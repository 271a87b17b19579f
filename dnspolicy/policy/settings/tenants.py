"""The `tenants` option of a policy: policies of namespaces, each about the clients of its own namespace."""

from __future__ import annotations

from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Size

_ANY = (ip_address("0.0.0.0"), ip_address("::"))
"""Addresses that lead nowhere."""


class Tenants(msgspec.Struct, frozen=True, kw_only=True):
    """`configmap` is the name of the ConfigMap that holds a namespace's policy.

    `namespaces` are patterns of those that may have one, `final` patterns of rules of the operator whose allow they may
    not narrow, `addresses` networks they may lead to. `size` and `memory` in bytes, of all files and of one evaluation;
    `timeout` in seconds; `share` is the part of the server's time, in percent, that each may take.
    """

    configmap: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
    namespaces: tuple[str, ...] = ()
    final: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    timeout: Annotated[Duration, msgspec.Meta(gt=0, le=1)] = Duration(0.01)
    size: Annotated[Size, msgspec.Meta(ge=1, le=1 << 20)] = Size(256 << 10)
    memory: Annotated[Size, msgspec.Meta(ge=1 << 20, le=1 << 30)] = Size(16 << 20)
    share: Annotated[float, msgspec.Meta(gt=0, le=100)] = 5.0
    most: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000

    def __post_init__(self) -> None:
        for text in self.addresses:
            try:
                ip_network(text)
            except ValueError as problem:
                raise ValueError(f"{text!r} is no network: {problem}") from None

    def may_have(self, namespace: str) -> bool:
        """Whether a namespace may have a policy."""
        return not self.namespaces or any(fnmatchcase(namespace, pattern) for pattern in self.namespaces)

    def is_final(self, rule: str) -> bool:
        """Whether an allow by this rule of the operator holds, whatever a namespace says."""
        return any(fnmatchcase(rule, pattern) for pattern in self.final)

    def may_lead_to(self, address: str) -> bool:
        """Whether a namespace may answer with an address."""
        found = ip_address(address)
        if found in _ANY:
            return True
        if not isinstance(found, IPv4Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in self.networks)

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(map(ip_network, self.addresses))
