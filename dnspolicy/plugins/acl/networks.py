"""Many networks, and whether an address is in one of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from dnspolicy.plugins.acl.config import Network


class Networks:
    """Networks of both families, joined to ranges that do not touch, so that a look-up is one search among them."""

    def __init__(self, networks: Iterable[Network]) -> None:
        spans: dict[int, list[tuple[int, int]]] = {4: [], 16: []}
        for network in networks:
            low = int(network.network_address)
            spans[network.max_prefixlen // 8].append((low, low + network.num_addresses - 1))
        self._ranges = {size: _joined(found) for size, found in spans.items()}

    def hold(self, raw: bytes) -> bool:
        """Whether an address of 4 or 16 bytes is in one of them."""
        starts, ends = self._ranges[len(raw)]
        number = int.from_bytes(raw, "big")
        at = bisect_right(starts, number)
        return at > 0 and number <= ends[at - 1]


def _joined(spans: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Sorted starts and their ends."""
    starts: list[int] = []
    ends: list[int] = []
    for low, high in sorted(spans):
        if ends and low <= ends[-1] + 1:
            ends[-1] = max(ends[-1], high)
        else:
            starts.append(low)
            ends.append(high)
    return starts, ends
