"""When to take up what files say: when they are others, and again as long as nobody can tell whether they are good."""

from __future__ import annotations

from collections.abc import Callable

from dnspolicy.chain.pauses import Pauses
from dnspolicy.corefile.regular import Fingerprint
from dnspolicy.model.errors import PolicyLoadError, PolicyNotChecked

MOST_SECONDS = 300.0
"""What could not be checked is tried again after so long, at the latest."""


class Attempts:
    """At some files, which are looked at every `every` seconds. `seen` is what was taken up at first.

    What is wrong is left alone until it changes. What could not be looked at, for want of processes, memory or time, is
    tried again after a pause that doubles.
    """

    def __init__(self, seen: Fingerprint, every: float, monotonic: Callable[[], float]) -> None:
        self._seen = seen
        self._monotonic = monotonic
        self._pauses = Pauses(every, max(every, MOST_SECONDS))
        self._again: float | None = None
        self._said = ""

    def wanted(self, seen: Fingerprint) -> bool:
        """Whether to take up what was seen now; asked once for each look."""
        if seen != self._seen:
            self._seen = seen
            self.done()
            return True
        return self._again is not None and self._monotonic() >= self._again

    def failed(self, problem: Exception) -> bool:
        """What came of it; whether that is to be said, which it was not just before."""
        wrong = isinstance(problem, PolicyLoadError) and not isinstance(problem, PolicyNotChecked)
        self._again = None if wrong else self._monotonic() + self._pauses.next()
        before, self._said = self._said, str(problem)
        return self._said != before

    def done(self) -> None:
        """It was taken up."""
        self._again = None
        self._said = ""
        self._pauses.reset()
