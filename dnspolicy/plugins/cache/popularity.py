"""Which entries are asked for often enough to be fetched again before they are over."""

from __future__ import annotations

from math import ceil

from dnspolicy.plugins.cache.config import Prefetch
from dnspolicy.plugins.cache.store import Entry


class Popularity:
    """The rule of one `prefetch` line.

    The server repeats finished answers without asking the cache. So nobody may repeat an answer before it is popular,
    nor in its last part, when it is fetched again, and never for longer than the gap that ends a series of hits.
    """

    def __init__(self, config: Prefetch) -> None:
        self._amount = config.amount
        self._gap = float(config.duration)
        self._part = config.percent / 100

    def count(self, entry: Entry, now: float) -> bool:
        """Count a hit; True when it is time to fetch the entry again."""
        if now - entry.seen >= self._gap:
            entry.hits = 0
        entry.hits += 1
        entry.seen = now
        return entry.hits >= self._amount and now >= self._due(entry)

    def unseen(self, entry: Entry, now: float) -> float:
        """Seconds for which hits may be served without being counted. They are taken for granted."""
        if entry.hits < self._amount:
            return 0.0
        seconds = max(0.0, min(self._due(entry) - now, self._gap))
        entry.seen = now + seconds
        return seconds

    def _due(self, entry: Entry) -> float:
        """When so little of the TTL is left, at least a second, that a popular entry is fetched again."""
        return entry.expires - max(1, ceil(self._part * entry.ttl))
