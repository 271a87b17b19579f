"""Finished answers: bytes to be sent at once, exact while what they rest on does not move.

Two levels. `Memo` holds one entry per (client class, question bytes without the id). A `Row` holds, per client address,
the cells through which that client reaches entries; a cell counts the client's repeats until they are told to the
observers. Both levels are bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import cycle, islice

from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Observer, Outcome
from dnspolicy.model.answer import EVERYTHING, Answer, Dependencies, Dependency, Freshness, Rests
from dnspolicy.model.identity import Identity
from dnspolicy.wire.stamps import Stamps, age, renumber, stamps

FOREVER = float("inf")
SERIAL: Dependency = (Rests.SERIAL, "cluster")
_SHARE = 4_096
"""Bytes of finished messages that count as one entry more."""
_EASY = 4_096
"""Answers that are kept when first asked for."""
_CLASSES = 100_000
"""Client classes known at a time; beyond, those without answers are forgotten."""
_MARKS = 1 << 16
"""Places for traces of questions asked once; a newer question takes the place of an older one."""
ClassKey = tuple[Hashable, ...]
Answers = dict[bytes, "Entry"]
"""The finished answers of one client class, by question bytes without the id."""


class Entry:
    """One finished answer. `until` is the monotonic time up to which `tails` (bytes behind the id, in turn) hold.

    `expires` is when it is over for good; between the two it only needs new stamps. A forgotten entry has `until` 0
    and `expires` 0.
    """

    __slots__ = (
        "aged",
        "aged_since",
        "expires",
        "held",
        "next_tail",
        "observers",
        "outcome",
        "question",
        "rests",
        "serial",
        "tails",
        "until",
        "weight",
    )

    def __init__(
        self, held: Answers, question: bytes, tails: Sequence[bytes], outcome: Outcome, observers: tuple[Observer, ...]
    ) -> None:
        assert isinstance(outcome.reply, Answer)
        fresh = outcome.reply.fresh
        self.held = held
        self.question = question
        self.tails = tuple(tails)
        self.next_tail: Callable[[], bytes] = cycle(self.tails).__next__
        self.outcome = outcome
        self.observers = observers
        self.rests = fresh.rests
        self.aged_since = fresh.aged_since
        self.aged = 0
        self.serial = 0
        self.until = self.expires = 0.0
        self.weight = 1 + sum(map(len, self.tails)) // _SHARE

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
    """The cells of one client address on one listener, by question bytes; `answers` are those of its class."""

    __slots__ = ("answers", "identity", "source")

    def __init__(self, source: str, identity: Identity, answers: Answers) -> None:
        super().__init__()
        self.source = source
        self.identity = identity
        self.answers = answers


class Memo:
    """All finished answers of one server. `serial` gives the cluster's zone serial in force.

    `capacity` is how many of ordinary size are held; a large one counts as several. `forgotten` goes up with every
    entry that is over though clients' cells may still lead to it.
    """

    def __init__(self, capacity: int, serial: Callable[[], int], metrics: Metrics) -> None:
        self._capacity = capacity
        self._serial = serial
        self._known_serial = serial()
        self._classes: dict[ClassKey, Answers] = {}
        self._resting: dict[Dependency, set[Entry]] = {}
        self._once = bytearray(_MARKS)
        self._held: dict[Entry, None] = {}
        self._weight = 0
        self.forgotten = 0
        self.generation = 0
        self._evictions = metrics.counter(
            "dnspolicy_memo_evictions_total", "Finished answers dropped for want of room."
        )
        self._invalidations = metrics.counter(
            "dnspolicy_memo_invalidations_total", "Finished answers forgotten because something they rest on moved."
        )
        entries = metrics.gauge("dnspolicy_memo_entries", "Finished answers held.")
        metrics.before_collect(lambda: entries.set(len(self._held)))

    @property
    def size(self) -> int:
        """Finished answers held."""
        return len(self._held)

    def of_class(self, class_key: ClassKey) -> Answers:
        """Where the finished answers of a client class are."""
        held = self._classes.get(class_key)
        if held is None:
            if len(self._classes) >= _CLASSES:
                self._classes = {key: answers for key, answers in self._classes.items() if answers}
            held = self._classes[class_key] = {}
        return held

    def find(self, answers: Answers, question: bytes, now: float) -> Entry | None:
        """The live entry, with fresh stamps."""
        entry = answers.get(question)
        return entry if entry is not None and self.refresh(entry, now) else None

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
        answers: Answers,
        question: bytes,
        tails: Sequence[bytes],
        outcome: Outcome,
        observers: tuple[Observer, ...],
        now: float,
    ) -> Entry:
        """Keep a finished answer that `wants`, for as long as its reply's freshness says."""
        assert isinstance(outcome.reply, Answer)
        fresh = outcome.reply.fresh
        entry = Entry(answers, question, tails, outcome, observers)
        while self._held and self._weight + entry.weight > self._capacity:
            self._make_room()
        entry.expires = FOREVER if fresh.ttl is None else now + fresh.ttl
        entry.until = entry.expires
        if fresh.aged_since is not None:
            entry.aged = int(now - fresh.aged_since)
            entry.until = min(entry.expires, fresh.aged_since + entry.aged + 1)
        if SERIAL in fresh.rests:
            entry.serial = self._known_serial
        old = answers.get(question)
        if old is not None:
            self._forget(old)
        answers[question] = entry
        self._held[entry] = None
        self._weight += entry.weight
        for dependency in fresh.rests:
            self._resting.setdefault(dependency, set()).add(entry)
        return entry

    def wants(self, answers: Answers, question: bytes, fresh: Freshness) -> bool:
        """Whether an answer is worth keeping: it may be reused and, when many are held, was asked for lately."""
        if fresh.ttl is not None and fresh.ttl <= 0:
            return False
        if len(self._held) < _EASY:
            return True
        mark = hash(question) ^ id(answers)
        place, trace = mark % _MARKS, mark >> 40 & 0xFF | 1
        if self._once[place] == trace:
            return True
        self._once[place] = trace
        return False

    def changed(self, rests: Dependencies) -> None:
        """Forget what rests on any of these; a moved serial only asks for new stamps, unless a cache counts TTLs."""
        for dependency in rests:
            if dependency == SERIAL:
                self._known_serial = self._serial()
            for entry in tuple(self._held if dependency == EVERYTHING else self._resting.get(dependency, ())):
                if dependency == SERIAL and entry.aged_since is None:
                    entry.until = 0.0
                else:
                    self._forget(entry)
                    self._invalidations.inc()
        self.generation += 1

    def clear(self) -> None:
        """Forget everything, the classes too: another configuration is in force."""
        for entry in tuple(self._held):
            self._forget(entry)
        self._classes.clear()
        self._known_serial = self._serial()
        self.generation += 1

    def _make_room(self) -> None:
        """Drop the oldest of the largest class, or the oldest of all when no class is large."""
        count = max(1, self._capacity // 8)
        largest = max(self._classes.values(), key=len)
        for entry in list(islice(largest.values() if len(largest) >= count else self._held, count)):
            self._forget(entry)
            self._evictions.inc()

    def _forget(self, entry: Entry) -> None:
        entry.until = entry.expires = 0.0
        if entry.held.get(entry.question) is not entry:
            return
        del entry.held[entry.question]
        del self._held[entry]
        self._weight -= entry.weight
        self.forgotten += 1
        for dependency in entry.rests:
            resting = self._resting[dependency]
            resting.discard(entry)
            if not resting:
                del self._resting[dependency]


def _stamps(tail: bytes) -> Stamps:
    """Stamps of a message whose id was cut off, as offsets in what is left."""
    found = stamps(b"\0\0" + tail)
    return Stamps(tuple(at - 2 for at in found.ttls), tuple(at - 2 for at in found.serials))
