"""What is known of the names that one client asks for below one domain. Of fixed size, whatever is asked."""

from __future__ import annotations

from math import log, log2

import msgspec

_LEAST, _MOST = 512, 1 << 14
_NO_BITS = 0


def places_for(names: int) -> int:
    """How many places a sketch has that is to tell about `names` different names, within some percent."""
    return min(_MOST, max(_LEAST, 1 << (8 * names - 1).bit_length()))


class Measured(msgspec.Struct, frozen=True, gc=False):
    """Different names (about), the mean of their bytes in front of the domain and of the bits in these; questions."""

    names: int
    length: float
    entropy: float
    queries: int

    @property
    def bytes(self) -> int:
        return int(self.names * self.length)


class _Half:
    """One half of a window. `fresh`: names that were new to the window, whose bytes and entropy are summed."""

    __slots__ = ("bits", "entropy", "fresh", "length", "queries")

    def __init__(self) -> None:
        self.bits = _NO_BITS
        self.fresh = self.length = self.queries = 0
        self.entropy = 0.0


class Counts:
    """Names in a window that moves on by halves: what was asked up to a window ago, and at least half of one."""

    __slots__ = ("_before", "_began", "_now")

    def __init__(self, now: float) -> None:
        self._began = now
        self._now = _Half()
        self._before = self._now

    def turn(self, now: float, half: float) -> None:
        """Let go of what is over at monotonic time `now`. `half` a window is so many seconds."""
        passed = now - self._began
        if passed >= half:
            self._before = self._now if passed < 2 * half else _Half()
            self._now = _Half()
            self._began += half * (passed // half)

    def idle(self, now: float, half: float) -> bool:
        """Whether nothing was asked for a whole window."""
        return now - self._began >= 2 * half

    def add(self, place: int, front: bytes, count: int) -> bool:
        """So many questions for a name with this place in the sketch and these bytes; whether it is a new name."""
        half = self._now
        half.queries += count
        bit = 1 << place
        if half.bits & bit:
            return False
        half.bits |= bit
        if self._before is not half and self._before.bits & bit:
            return False
        half.fresh += 1
        half.length += len(front)
        half.entropy += entropy(front)
        return True

    def measured(self, places: int) -> Measured:
        """What is known of the window; `places` are those of the sketch."""
        now, before = self._now, self._before
        if now is before:
            before = _Half()
        fresh = now.fresh + before.fresh
        free = places - (now.bits | before.bits).bit_count()
        names = round(places * log(places / max(free, 1)))  # linear counting
        if not fresh:
            return Measured(names, 0.0, 0.0, now.queries + before.queries)
        length, bits = now.length + before.length, now.entropy + before.entropy
        return Measured(names, length / fresh, bits / fresh, now.queries + before.queries)


_LOGS = tuple(count * log2(count) if count else 0.0 for count in range(256))


def entropy(text: bytes) -> float:
    """Bits for each byte of at most 255, by how often each value stands there (Shannon)."""
    size = len(text)
    if not size:
        return 0.0
    return log2(size) - sum([_LOGS[text.count(value)] for value in set(text)]) / size
