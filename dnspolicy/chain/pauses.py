"""How long to wait before asking again."""

from __future__ import annotations

import random

MOST_WISHED = 300.0
"""Seconds that a server may wish for with Retry-After."""


class Pauses:
    """Doubling pauses with a quarter of jitter to each side, so that servers do not come back all at once."""

    def __init__(self, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._next = first

    def next(self, wished: float = 0.0) -> float:
        """Seconds to wait now, at least the `wished` ones."""
        pause = self._next * random.uniform(0.75, 1.25)
        self._next = min(self._most, self._next * 2)
        return max(pause, min(wished, MOST_WISHED))

    def reset(self) -> None:
        self._next = self._first
