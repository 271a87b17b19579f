"""What was true when, and whether an answer was."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T", bound=Hashable)


class State(msgspec.Struct):
    """True from some moment after `began`, and no longer after `ended`. Seconds of the monotonic clock."""

    value: object
    began: float
    ended: float = float("inf")


class History(Generic[T]):
    """The states of one thing, in order. The true moment of a change lies somewhere in the call that makes it."""

    def __init__(self, value: T) -> None:
        self.states = [State(value, 0.0)]

    def become(self, value: T, change: Callable[[], object]) -> None:
        """Make the change after which this is the state."""
        self.states.append(State(value, time.monotonic()))
        change()
        self.states[-2].ended = time.monotonic()

    def lateness(self, value: T, sent: float, received: float) -> float:
        """How long before the question the value ceased to be true: 0 when it was true, infinite when it never was."""
        ages = [max(0.0, sent - s.ended) for s in self.states if s.value == value and s.began <= received]
        return min(ages, default=float("inf"))
