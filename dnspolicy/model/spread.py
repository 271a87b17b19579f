"""Numbers that stay with a thing, for percentages and sharding: the same on every server and after every restart."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from dnspolicy.model.identity import Identity, Owner

_REMEMBERED = 8192


@lru_cache(_REMEMBERED)
def spread(text: str) -> int:
    """A number from 0 to 4294967295, spread evenly over texts."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=4).digest(), "big")


def bucket(text: str) -> int:
    """A number from 0 to 99, of which every text has its own for ever."""
    return spread(f"bucket {text}") % 100


def of_client(client: Identity) -> str:
    """What a client is told apart by: a pod by namespace and name, all others by their address."""
    return client.ip if client.pod is None else f"{client.namespace}/{client.pod}"


def of_owner(client: Identity, owner: Owner) -> str:
    """What a workload is told apart by."""
    return f"{client.namespace}/{owner.kind}/{owner.name}"
