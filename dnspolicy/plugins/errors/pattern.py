"""Failures that are told together: those whose text matches a regular expression."""

from __future__ import annotations

from collections.abc import Callable

from dnspolicy.plugins.errors.config import Consolidate, First, Level

After = Callable[[float, Callable[[], None]], object]
"""Calls a function once, so many seconds later."""
Tell = Callable[[Level, str], None]


class Pattern:
    """One `consolidate`: counts from the first failure on, and tells the number when the time is over."""

    def __init__(self, config: Consolidate, tell: Tell, after: After) -> None:
        self._pattern = config.pattern
        self._seconds = config.duration
        self._level = config.level
        self._show_first = config.show_first is First.SHOW_FIRST
        self._tell = tell
        self._after = after
        self._count = 0

    def takes(self, failure: str, text: str) -> bool:
        """Count a failure if it is one of these. `text` is its whole line, to be shown at once if it is the first."""
        if not self._pattern.matches(failure):
            return False
        self._count += 1
        if self._count == 1:
            self._after(self._seconds, self.flush)
            if self._show_first:
                self._tell(self._level, text)
        return True

    def flush(self) -> None:
        """Tell how many there were, unless all have been shown, and begin anew."""
        count, self._count = self._count, 0
        if count > self._show_first:
            self._tell(
                self._level, f"{count} errors like '{self._pattern.text}' occurred in last {span(self._seconds)}"
            )


def span(seconds: float) -> str:
    """A duration as Go writes it: `30s`, `1m30s`, `2h0m0s`, `500ms`."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{rest:g}s"
