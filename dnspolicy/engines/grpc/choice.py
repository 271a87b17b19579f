"""Which decision points are asked, and in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from dnspolicy.engines.grpc.connection import Info
from dnspolicy.engines.grpc.target import Target
from dnspolicy.policy.settings.grpc import GrpcOrder


def alike(one: Info, other: Info) -> bool:
    """Whether the same policy is in force, whatever engine has it."""
    return msgspec.structs.replace(one, engine=other.engine) == other


class Choice:
    """The first target that is there leads: what is in force with it is in force. `look` is to be called when that,
    or who is there, may be others.

    In the order `spread`, clients are shared out among it and all others whose policy is known to be the same.
    """

    def __init__(self, targets: Sequence[Target], order: GrpcOrder) -> None:
        self._targets = tuple(targets)
        self._order = order
        self.lead: Target | None = None
        self.shares: tuple[Target, ...] = ()

    def look(self) -> None:
        """Find out who leads and who has a share."""
        self.lead = next((target for target in self._targets if target.up), None)
        self.shares = tuple(target for target in self._targets if target.up and self._has_share(target))

    def vouched(self, target: Target) -> bool:
        """Whether the policy at a target is known to be the one of the lead."""
        lead = self.lead
        return target is lead or (lead is not None and bool(lead.info.revision) and alike(target.info, lead.info))

    def order(self, client: str) -> Iterator[Target]:
        """Whom to ask for a client (its address): those that have a share first, then the others as they are written.

        By rendezvous hashing: when a share is gone, only its clients go elsewhere.
        """
        if self._order is GrpcOrder.SEQUENTIAL or len(self.shares) < 2:
            yield from self._targets
            return
        yield from sorted(self.shares, key=lambda target: _weight(target.name, client))
        yield from (target for target in self._targets if target not in self.shares)

    def _has_share(self, target: Target) -> bool:
        return target is self.lead or (self._order is GrpcOrder.SPREAD and self.vouched(target))


def _weight(target: str, client: str) -> bytes:
    return hashlib.blake2b(f"{target} {client}".encode("utf-8", "replace"), digest_size=8).digest()
