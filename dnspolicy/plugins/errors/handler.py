"""The room: a line for each query that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer
from dnspolicy.model.printable import printable
from dnspolicy.model.rr import Rcode, type_text
from dnspolicy.plugins.errors.config import Config, Level
from dnspolicy.plugins.errors.pattern import After, Pattern

WINDOW = 1.0
"""Seconds in which like failures are folded."""
MAX_LINES = 100
"""Different lines per window; further ones are only counted."""
MAX_TEXT = 500
"""Characters of a failure's text."""
MAX_TRACE = 8000
"""The same with `stacktrace`, where the text of a fault ends with where it happened."""


def on_loop(seconds: float, call: Callable[[], None]) -> object:
    """`After` of the running event loop."""
    return asyncio.get_running_loop().call_later(seconds, call)


class Errors:
    """Writes failures one by one, or together where `consolidate` says so.

    Of like failures the first is written at once, and after a second how many more there were. `write` gets whole lines
    without newline; a line it cannot take (OSError, ValueError of a closed file) is counted as lost. `stop` tells
    what is still folded. `debug`: lines of that level are written too.
    """

    every = False

    def __init__(
        self,
        config: Config,
        *,
        write: Callable[[str], object],
        clock: Clock,
        metrics: Metrics,
        after: After = on_loop,
        debug: bool = False,
    ) -> None:
        self._write = write
        self._clock = clock
        self._after = after
        self._debug = debug
        self._longest = MAX_TRACE if config.stacktrace else MAX_TEXT
        self._patterns = tuple(Pattern(one, self._tell, after) for one in config.consolidate)
        self._lost = metrics.counter("dnspolicy_error_lines_lost_total", "Lines about failures that were not written.")
        self._until = 0.0
        self._folded: dict[str, int] = {}
        self._others = 0
        self._awaited = False

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        self.flush()
        for pattern in self._patterns:
            pattern.flush()

    def seen(self, outcome: Outcome) -> None:
        if not outcome.failure:
            return
        text = line(outcome, self._longest)
        if self._patterns and any(pattern.takes(outcome.failure, text) for pattern in self._patterns):
            return
        now = self._clock.monotonic()
        if now >= self._until:
            self.flush()
            self._until = now + WINDOW
            self._awaited = False
        if text in self._folded:
            self._fold(text)
        elif len(self._folded) < MAX_LINES:
            self._folded[text] = 0
            self._tell(Level.ERROR, text)
        else:
            self._fold(None)

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        """Failures are never served again, so there is nothing to tell."""

    def flush(self) -> None:
        """Tell what was folded, and forget it."""
        for text, count in self._folded.items():
            if count:
                self._tell(Level.ERROR, f"{text} ({count} more)")
        if self._others:
            self._tell(Level.ERROR, f"{self._others} more queries failed in other ways")
        self._folded.clear()
        self._others = 0

    def _flush_if_over(self) -> None:
        if self._clock.monotonic() >= self._until:
            self.flush()

    def _fold(self, text: str | None) -> None:
        if not self._awaited:
            self._awaited = True
            self._after(WINDOW, self._flush_if_over)
        if text is None:
            self._others += 1
        else:
            self._folded[text] += 1

    def _tell(self, level: Level, text: str) -> None:
        if level is Level.DEBUG and not self._debug:
            return
        try:
            self._write(f"[{level.name}] plugin/errors: {text}")
        except (OSError, ValueError):
            self._lost.inc()


def line(outcome: Outcome, longest: int = MAX_TEXT) -> str:
    """`RCODE NAME TYPE: TEXT`, on one line whatever the text holds."""
    query = outcome.query
    rcode = outcome.reply.rcode if isinstance(outcome.reply, Answer) else int(Rcode.SERVFAIL)
    name = query.asked.dotted
    return f"{int(rcode)} {name} {type_text(query.qtype)}: {printable(outcome.failure, longest)}"
