"""Remembered decisions: the key is all a policy can read of its input, so equal keys mean equal decisions."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from math import ceil

import msgspec
from cachetools import LRUCache

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.model.verdict import Verdict

Key = tuple[str, Hashable]
"""Revision of policy and data, and the projection of the input."""
FOREVER = float("inf")


class Remembered(msgspec.Struct, frozen=True, gc=False):
    """A decision. `until` is monotonic time (seconds)."""

    verdict: Verdict
    until: float

    def aged(self, now: float) -> Verdict:
        """The decision for what time it has left, so that nothing made of it lives longer than it does.

        An engine may hold a decision for a shorter time than its `ttl`, which counts down meanwhile.
        """
        if self.until == FOREVER:
            return self.verdict
        left = max(self.until - now, 0.0)
        ttl, holds = self.verdict.ttl, self.verdict.holds
        if ttl is not None and holds is not None and holds < ttl:
            ttl = max(ttl - ceil(holds - left), 0)
        elif ttl is not None:
            ttl = min(ttl, int(left))
        return msgspec.structs.replace(self.verdict, holds=left, ttl=ttl)


class DecisionCache:
    """At most `capacity` decisions; the oldest go first, some at a time. Errors are never kept as decisions.

    `keeps_last`: whether `last` is wanted, which keeps each decision a second time.
    """

    def __init__(self, capacity: int, clock: Clock, metrics: Metrics, *, keeps_last: bool = True) -> None:
        self._clock = clock
        self._capacity = capacity
        self._entries: dict[Key, Remembered] = {}
        self._keeps_last = keeps_last
        self._last: LRUCache[Hashable, Verdict] = LRUCache(max(capacity, 1))
        self._hits = metrics.counter("dnspolicy_decision_cache_hits_total", "Decisions taken from memory.")
        self._found = 0
        self._misses = metrics.counter("dnspolicy_decision_cache_misses_total", "Decisions asked of the engine.")
        entries = metrics.gauge("dnspolicy_decision_cache_entries", "Decisions held.")
        self._ends = (
            metrics.before_collect(lambda: entries.set(len(self._entries))),
            metrics.before_collect(self._tell_hits),
        )

    def find(self, key: Key) -> Remembered | None:
        """The decision for `key`; None when it is not known or no longer holds."""
        found = self._entries.get(key)
        if found is None or (found.until != FOREVER and self._clock.monotonic() >= found.until):
            self._misses.inc()
            return None
        self._found += 1
        return found

    def keep(self, key: Key, verdict: Verdict, timeless: bool, since: float | None = None) -> None:
        """Remember a decision for its lifetime, and as the last one known for its question however short that is.

        `since` is monotonic time from which the lifetime counts, now if it is not given.
        """
        if not self._capacity:
            return
        if self._keeps_last:
            self._last[key[1]] = verdict
        seconds = verdict.lifetime(timeless)
        if seconds is None:
            seconds = FOREVER
        if seconds > 0:
            if len(self._entries) >= self._capacity:
                self._make_room()
            self._entries[key] = Remembered(verdict, (self._clock.monotonic() if since is None else since) + seconds)

    def _tell_hits(self) -> None:
        """Hits are counted apart, for they are many."""
        self._hits.inc(amount=self._found)
        self._found = 0

    def end(self) -> None:
        """Be counted no more."""
        self._tell_hits()
        self._entries.clear()
        for end in self._ends:
            end()

    def _make_room(self) -> None:
        for key in list(islice(self._entries, max(1, self._capacity // 8))):
            del self._entries[key]

    def last(self, projection: Hashable) -> Verdict | None:
        """The last decision known for a projection, of whatever revision."""
        return self._last.get(projection)

    def forget_last(self) -> None:
        """Projections mean something else from now on."""
        self._last.clear()
