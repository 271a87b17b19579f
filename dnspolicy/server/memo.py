"""Finished answers: bytes to be sent at once, exact while what they rest on does not move.

Two levels. `Memo` holds one entry per (client class, question bytes without the id). A `Row` holds, per client address,
the cells through which that client reaches entries; a cell counts the client's repeats until they are told to the
observers. Both levels are bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import cycle

from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Observer, Outcome
from dnspolicy.model.answer import Answer, Dependencies, Dependency, Freshness, Rests
from dnspolicy.model.identity import Identity
from dnspolicy.wire.stamps import Stamps, age, renumber, stamps

FOREVER = float("inf")
SERIAL: Dependency = (Rests.SERIAL, "cluster")
_EASY = 4_096
"""Answers that are kept when first asked for."""
_MARKS = 16_384
"""Questions asked once that are known as such."""
ClassKey = tuple[Hashable, ...]
Place = tuple[ClassKey, bytes]


class Entry:
    """One finished answer. `until` is the monotonic time up to which `tails` (bytes behind the id, in turn) hold.

    `expires` is when it is over for good; between the two it only needs new stamps. A forgotten entry has `until` 0
    and `expires` 0.
    """

    __slots__ = (
        "aged",
        "aged_since",
        "expires",
        "next_tail",
        "observers",
        "outcome",
        "place",
        "rests",
        "serial",
        "tails",
        "until",
    )

    def __init__(
        self, tails: Sequence[bytes], fresh: Freshness, outcome: Outcome, observers: tuple[Observer, ...], place: Place
    ) -> None:
        self.tails = tuple(tails)
        self.next_tail: Callable[[], bytes] = cycle(self.tails).__next__
        self.outcome = outcome
        self.observers = observers
        self.place = place
        self.rests = fresh.rests
        self.aged_since = fresh.aged_since
        self.aged = 0
        self.serial = 0
        self.until = self.expires = 0.0

    def set_tails(self, tails: Iterable[bytes]) -> None:
        self.tails = tuple(tails)
        self.next_tail = cycle(self.tails).__next__


class Cell:
    """One client's way to an entry, and its repeats not yet told: `count`, wall times `first` and `last`."""

    __slots__ = ("count", "entry", "first", "identity", "last", "source")

    def __init__(self, entry: Entry, identity: Identity, source: str) -> None:
        self.entry = entry
        self.identity = identity
        self.source = source
        self.count = 0
        self.first = self.last = 0.0


class Row(dict[bytes, Cell]):
    """The cells of one client address on one listener, by question bytes."""

    __slots__ = ("class_key", "identity", "source")

    def __init__(self, source: str, identity: Identity, class_key: ClassKey) -> None:
        super().__init__()
        self.source = source
        self.identity = identity
        self.class_key = class_key


class Memo:
    """All finished answers of one server. `serial` gives the cluster's zone serial in force."""

    def __init__(self, capacity: int, serial: Callable[[], int], metrics: Metrics) -> None:
        self._capacity = capacity
        self._serial = serial
        self._known_serial = serial()
        self._entries: dict[ClassKey, dict[bytes, Entry]] = {}
        self._resting: dict[Dependency, set[Entry]] = {}
        self._once: set[int] = set()
        self.size = 0
        self.generation = 0
        self._evictions = metrics.counter(
            "dnspolicy_memo_evictions_total", "Finished answers dropped for want of room."
        )
        self._forgotten = metrics.counter(
            "dnspolicy_memo_invalidations_total", "Finished answers forgotten because something they rest on moved."
        )
        entries = metrics.gauge("dnspolicy_memo_entries", "Finished answers held.")
        metrics.before_collect(lambda: entries.set(self.size))

    def find(self, class_key: ClassKey, question: bytes, now: float) -> Entry | None:
        """The live entry, with fresh stamps."""
        entry = self._entries.get(class_key, {}).get(question)
        if entry is None or not self.refresh(entry, now):
            return None
        return entry

    def refresh(self, entry: Entry, now: float) -> bool:
        """Bring the stamps of an entry up to `now`; False when it is over."""
        if now < entry.until:
            return True
        if now >= entry.expires:
            if entry.expires:
                self._forget(entry)
            return False
        if entry.aged_since is not None:
            tick = int(now - entry.aged_since)
            passed, entry.aged = tick - entry.aged, tick
            entry.set_tails(age(tail, _stamps(tail).ttls, passed) for tail in entry.tails)
            entry.until = min(entry.expires, entry.aged_since + tick + 1)
        else:
            entry.until = entry.expires
        if entry.serial and entry.serial != self._known_serial:
            old, entry.serial = entry.serial, self._known_serial
            entry.set_tails(renumber(t, _stamps(t).serials, old, entry.serial) for t in entry.tails)
        return True

    def remember(
        self,
        class_key: ClassKey,
        question: bytes,
        tails: Sequence[bytes],
        outcome: Outcome,
        observers: tuple[Observer, ...],
        now: float,
    ) -> Entry | None:
        """Keep a finished answer for as long as its reply's freshness says.

        None when it may not be reused, or when many are held and nobody asked for it twice yet.
        """
        assert isinstance(outcome.reply, Answer)
        fresh = outcome.reply.fresh
        if fresh.ttl is not None and fresh.ttl <= 0:
            return None
        if not self._asked_before(class_key, question):
            return None
        if self.size >= self._capacity:
            self._make_room()
        entry = Entry(tails, fresh, outcome, observers, (class_key, question))
        entry.expires = FOREVER if fresh.ttl is None else now + fresh.ttl
        entry.until = entry.expires
        if fresh.aged_since is not None:
            entry.aged = int(now - fresh.aged_since)
            entry.until = min(entry.expires, fresh.aged_since + entry.aged + 1)
        if SERIAL in fresh.rests:
            entry.serial = self._known_serial
        held = self._entries.setdefault(class_key, {})
        if (old := held.get(question)) is not None:
            self._forget(old)
            held = self._entries.setdefault(class_key, {})
        held[question] = entry
        self.size += 1
        for dependency in fresh.rests:
            self._resting.setdefault(dependency, set()).add(entry)
        return entry

    def _asked_before(self, class_key: ClassKey, question: bytes) -> bool:
        """Whether this was asked lately. When many are held, an answer nobody asked for twice is not worth keeping."""
        if self.size < _EASY:
            return True
        mark = hash((class_key, question))
        if mark in self._once:
            return True
        if len(self._once) >= _MARKS:
            self._once.clear()
        self._once.add(mark)
        return False

    def changed(self, rests: Dependencies) -> None:
        """Forget what rests on any of these; a moved serial only asks for new stamps, unless a cache counts TTLs."""
        for dependency in rests:
            if dependency == SERIAL:
                self._known_serial = self._serial()
            for entry in tuple(self._resting.get(dependency, ())):
                if dependency == SERIAL and entry.aged_since is None:
                    entry.until = 0.0
                else:
                    self._forget(entry)
                    self._forgotten.inc()
        self.generation += 1

    def clear(self) -> None:
        """Forget everything."""
        for entry in tuple(self._all()):
            self._forget(entry)
        self.generation += 1

    def _all(self) -> Iterator[Entry]:
        for held in self._entries.values():
            yield from held.values()

    def _make_room(self) -> None:
        """Drop the oldest eighth of the entries of the largest class."""
        held = max(self._entries.values(), key=len)
        for entry in list(held.values())[: max(1, self._capacity // 8)]:
            self._forget(entry)
            self._evictions.inc()

    def _forget(self, entry: Entry) -> None:
        entry.until = entry.expires = 0.0
        class_key, question = entry.place
        held = self._entries.get(class_key)
        if held is None or held.get(question) is not entry:
            return
        del held[question]
        if not held:
            del self._entries[class_key]
        self.size -= 1
        for dependency in entry.rests:
            resting = self._resting[dependency]
            resting.discard(entry)
            if not resting:
                del self._resting[dependency]


def _stamps(tail: bytes) -> Stamps:
    """Stamps of a message whose id was cut off, as offsets in what is left."""
    found = stamps(b"\0\0" + tail)
    return Stamps(tuple(at - 2 for at in found.ttls), tuple(at - 2 for at in found.serials))
