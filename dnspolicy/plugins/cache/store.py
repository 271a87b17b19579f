"""Entries by question, bounded in number and in bytes, forgotten when what they rest on changes."""

from __future__ import annotations

from random import random

from dnspolicy.model.answer import EVERYTHING, Answer, Dependencies, Dependency, Freshness
from dnspolicy.model.name import Name
from dnspolicy.model.rr import Record

Key = tuple[bytes, int, int, bool, bool]
"""Lower-cased name in wire form, type, class, DO, CD."""
BYTES_PER_ENTRY = 2048
"""The store holds at most this much per entry of its capacity, all entries together,
but 1 MiB in any case."""
_LEAST_BYTES = 1 << 20
_OVERHEAD = 160


class Entry:
    """One answer. `ttl`: seconds all its records had at `stored` (monotonic). It is over at `expires`, and of no use
    any more at `gone`; between the two it is stale.

    `hits` in a row were counted, `seen` is when the last one may have been. `recheck` is when to try again after a
    refresh that failed.
    """

    __slots__ = (
        "_shown", "_shown_at", "answer", "expires", "gone", "hits", "key", "name", "place", "recheck", "rests", "seen",
        "stored", "ttl", "weight",
    )  # fmt: skip

    def __init__(self, key: Key, name: Name, answer: Answer, ttl: int, stored: float, expires: float) -> None:
        self.key = key
        self.name = name
        self.answer = answer
        self.ttl = ttl
        self.stored = stored
        self.expires = self.gone = expires
        self.weight = weight(answer)
        self.rests = answer.fresh.rests
        self.place = -1
        self.hits = 0
        self.seen = stored
        self.recheck = 0.0
        self._shown = answer
        self._shown_at = 0

    def show(self, now: float) -> Answer:
        """The answer as it stands now: TTLs counted down by whole seconds, freshness what is left."""
        passed = int(now - self.stored)
        if passed != self._shown_at:
            self._shown_at = passed
            self._shown = with_ttl(self.answer, max(self.ttl - passed, 0))
        return with_freshness(self._shown, Freshness(self.expires - now, self.answer.fresh.rests, self.stored + passed))


class Store:
    """When it is full, some go that came one after the other, chosen at random; a look-up is one dictionary access."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._most_weight = max(capacity * BYTES_PER_ENTRY, _LEAST_BYTES)
        self._weight = 0
        self._batch = max(1, capacity // 64)
        self._entries: dict[Key, Entry] = {}
        self._places: list[Entry] = []
        self._resting: dict[Dependency, dict[Key, None]] = {}
        self.get = self._entries.get

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: Entry) -> int:
        """Keep an entry, in the place of an older one; how many others had to go."""
        if entry.key in self._entries:
            self.drop(entry.key)
        if entry.weight > self._most_weight // 4:
            return 0
        evicted = 0
        places = self._places
        while places and (len(places) >= self._capacity or self._weight + entry.weight > self._most_weight):
            # Neighbours are near each other in memory too: one by one it would take half as long again.
            start = int(random() * len(places))
            for old in places[start : start + self._batch]:
                self.drop(old.key)
                evicted += 1
        self._entries[entry.key] = entry
        entry.place = len(places)
        places.append(entry)
        self._weight += entry.weight
        for dependency in entry.rests:
            self._resting.setdefault(dependency, {})[entry.key] = None
        return evicted

    def drop(self, key: Key) -> None:
        """Forget an entry, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._weight -= entry.weight
        last = self._places.pop()
        if last is not entry:
            self._places[entry.place] = last
            last.place = entry.place
        for dependency in entry.rests:
            keys = self._resting[dependency]
            del keys[key]
            if not keys:
                del self._resting[dependency]

    def changed(self, moved: Dependencies) -> None:
        """Forget what rests on any of these."""
        for dependency in moved:
            for key in tuple(self._entries if dependency == EVERYTHING else self._resting.get(dependency, ())):
                self.drop(key)


def weight(answer: Answer) -> int:
    """About how many bytes an answer keeps in memory."""
    total = 0
    for section in (answer.answer, answer.authority, answer.additional):
        for record in section:
            total += _OVERHEAD + len(record.rdata)
    return total + sum(len(e.text) for e in answer.ede)


def with_ttl(answer: Answer, ttl: int, fresh: Freshness | None = None) -> Answer:
    """The answer with this TTL in every record, and with another freshness if one is given."""
    return Answer(
        answer.rcode, _set_ttl(answer.answer, ttl), _set_ttl(answer.authority, ttl), _set_ttl(answer.additional, ttl),
        answer.aa, answer.ra, answer.tc, answer.ede, answer.made_by, fresh or answer.fresh, answer.rotate,
        answer.upstream, answer.ordered, answer.transfer, answer.rd, answer.private,
    )  # fmt: skip


def with_freshness(answer: Answer, fresh: Freshness) -> Answer:
    """The answer with another freshness."""
    # Written out, because it is on the way of every hit: msgspec's replace takes three times as long.
    return Answer(
        answer.rcode, answer.answer, answer.authority, answer.additional, answer.aa, answer.ra, answer.tc, answer.ede,
        answer.made_by, fresh, answer.rotate, answer.upstream, answer.ordered, answer.transfer, answer.rd,
        answer.private,
    )  # fmt: skip


def _set_ttl(records: tuple[Record, ...], ttl: int) -> tuple[Record, ...]:
    for record in records:
        if record.ttl != ttl:
            return tuple([Record(r.owner, r.type, ttl, r.rdata) for r in records])
    return records
