"""The room: a line for each query that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.model.answer import Answer
from dnspolicy.model.rr import Rcode, type_text
from dnspolicy.plugins.errors.config import Config

WINDOW = 1.0
"""Seconds in which like failures are folded."""
MAX_LINES = 100
"""Different lines per window; further ones are only counted."""
MAX_TEXT = 500
"""Characters of a failure's text."""

After = Callable[[float, Callable[[], None]], object]
"""Calls a function once, so many seconds later."""


def on_loop(seconds: float, call: Callable[[], None]) -> object:
    """`After` of the running event loop."""
    return asyncio.get_running_loop().call_later(seconds, call)


class Errors:
    """Writes the first of like failures at once, and after a second how many more there were.

    `write` gets whole lines with their newline; a line it cannot take (OSError, ValueError of a closed file) is counted
    as lost. `stop` tells what is still folded.
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
    ) -> None:
        self._write = write
        self._clock = clock
        self._after = after
        self._lost = metrics.counter("dnspolicy_error_lines_lost_total", "Lines about failures that were not written.")
        self._until = 0.0
        self._folded: dict[str, int] = {}
        self._others = 0
        self._awaited = False

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        self.flush()

    def seen(self, outcome: Outcome) -> None:
        if not outcome.failure:
            return
        now = self._clock.monotonic()
        if now >= self._until:
            self.flush()
            self._until = now + WINDOW
            self._awaited = False
        text = line(outcome)
        if text in self._folded:
            self._fold(text)
        elif len(self._folded) < MAX_LINES:
            self._folded[text] = 0
            self._tell(text)
        else:
            self._fold(None)

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        """Failures are never served again, so there is nothing to tell."""

    def flush(self) -> None:
        """Tell what was folded, and forget it."""
        for text, count in self._folded.items():
            if count:
                self._tell(f"{text} ({count} more)")
        if self._others:
            self._tell(f"[ERROR] {self._others} more queries failed in other ways")
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

    def _tell(self, text: str) -> None:
        try:
            self._write(f"{text}\n")
        except (OSError, ValueError):
            self._lost.inc()


def line(outcome: Outcome) -> str:
    """`[ERROR] RCODE NAME TYPE: TEXT`, on one line whatever the text holds."""
    query = outcome.query
    rcode = outcome.reply.rcode if isinstance(outcome.reply, Answer) else int(Rcode.SERVFAIL)
    name = f"{query.asked}." if query.asked.labels else "."
    return f"[ERROR] {int(rcode)} {name} {type_text(query.qtype)}: {_printable(outcome.failure)}"


def _printable(text: str) -> str:
    short = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)
