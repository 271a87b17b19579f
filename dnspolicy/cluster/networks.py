"""Which addresses could belong to pods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dnspolicy.cluster.addresses import packed

Network = tuple[int, int, int]
"""Bits of the family (32 or 128), bits of the prefix, and the prefix as a number."""

_AROUND = {4: 16, 16: 64}


def network(cidr: str) -> Network:
    """Read `10.244.1.0/24`; bits after the prefix are ignored. Raises ValueError."""
    text, slash, length = cidr.partition("/")
    raw = packed(text)
    bits = len(raw) * 8
    if not slash or not (length.isascii() and length.isdigit()) or int(length) > bits:
        raise ValueError(f"{cidr!r} is not a network (ADDRESS/LENGTH)")
    return bits, int(length), int.from_bytes(raw) >> (bits - int(length))


def around(address: str) -> Network:
    """The network guessed around one pod's address: /16 for IPv4, /64 for IPv6."""
    raw = packed(address)
    length = _AROUND[len(raw)]
    return len(raw) * 8, length, int.from_bytes(raw) >> (len(raw) * 8 - length)


def contains(networks: Iterable[Network], address: str) -> bool:
    """Whether an address lies in one of some networks."""
    raw = packed(address)
    bits, number = len(raw) * 8, int.from_bytes(raw)
    return any(family == bits and number >> (bits - length) == prefix for family, length, prefix in networks)


class Networks:
    """A counted set of networks: each may be added by several and is gone when the last one drops it."""

    def __init__(self) -> None:
        self._counts: Counter[Network] = Counter()
        self._lengths: Counter[tuple[int, int]] = Counter()

    def add(self, networks: Iterable[Network]) -> None:
        for item in networks:
            self._counts[item] += 1
            if self._counts[item] == 1:
                self._lengths[item[:2]] += 1

    def drop(self, networks: Iterable[Network]) -> None:
        for item in networks:
            self._counts[item] -= 1
            if not self._counts[item]:
                del self._counts[item]
                self._lengths[item[:2]] -= 1

    def known(self) -> frozenset[Network]:
        return frozenset(self._counts)

    def __contains__(self, address: str) -> bool:
        raw = packed(address)
        bits, number = len(raw) * 8, int.from_bytes(raw)
        return any(
            (bits, length, number >> (bits - length)) in self._counts
            for family, length in self._lengths
            if family == bits
        )
