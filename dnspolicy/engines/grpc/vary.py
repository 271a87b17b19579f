"""Decisions remembered by what they rest on, as HTTP remembers answers by their Vary (RFC 9111 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from cachetools import LRUCache

from dnspolicy.engines.grpc.decode import Reply
from dnspolicy.policy.footprint import Footprint, Path, projector
from dnspolicy.policy.input import PolicyInput

_FIRST: frozenset[Path] = frozenset({("phase",), ("query", "name"), ("query", "type"), ("query", "class")})
_WAYS = 4
"""Sets of fields that are tried for one name and type."""
_PROJECTORS = 64
Project = Callable[[PolicyInput], Hashable]


class VaryCache:
    """At most `capacity` decisions of one revision, the least used go first.

    Sound if decisions are deterministic and `vary` names all that was read on the way to them: then whoever agrees in
    these fields takes the same way.
    """

    def __init__(self, capacity: int, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ways: LRUCache[Hashable, tuple[frozenset[Path], ...]] = LRUCache(max(capacity, 1))
        self._entries: LRUCache[Hashable, tuple[float, Reply]] = LRUCache(max(capacity, 1))
        self._projectors: dict[frozenset[Path], Project] = {}
        self._capacity = capacity

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, question: PolicyInput) -> tuple[Reply, float] | None:
        """What was decided, and for how many seconds it still holds."""
        if not self._ways:
            return None
        first = _first(question)
        for way in self._ways.get(first, ()):
            found = self._entries.get((first, way, self._project(way, question)))
            if found is not None:
                left = found[0] - self._monotonic()
                if left > 0:
                    return found[1], left
        return None

    def keep(self, question: PolicyInput, reply: Reply, seconds: float) -> None:
        """Remember a reply that has `vary` for so many seconds."""
        way = reply.vary
        if way is None or seconds <= 0 or not self._capacity:
            return
        first = _first(question)
        ways = self._ways.get(first, ())
        if way not in ways:
            self._ways[first] = (way, *ways[: _WAYS - 1])
        self._entries[first, way, self._project(way, question)] = self._monotonic() + seconds, reply

    def clear(self) -> None:
        """Another revision is in force."""
        self._ways.clear()
        self._entries.clear()

    def _project(self, way: frozenset[Path], question: PolicyInput) -> Hashable:
        found = self._projectors.get(way)
        if found is None:
            if len(self._projectors) >= _PROJECTORS:
                self._projectors.clear()
            found = self._projectors[way] = projector(Footprint(way | _FIRST))
        return found(question)


def _first(question: PolicyInput) -> Hashable:
    """What every decision may rest on, whether it says so or not."""
    query = question.query
    return question.phase, query.name.labels, query.qtype, query.qclass
