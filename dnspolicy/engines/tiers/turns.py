"""The questions of one namespace: few are put at a time, the others wait for their turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from dnspolicy.engines.tiers.messages import Ask, Said
from dnspolicy.policy.settings.failure import FailureKind

AT_ONCE = 2
"""Questions of one namespace that are under way, so that a slow policy makes others wait for two at most."""
WAITING = 256
"""Questions of one namespace that wait; one more is told so at once."""
BUSY = Said(failure=FailureKind.UNAVAILABLE, text=f"{WAITING} questions wait for it already")

Put = Callable[[Ask, Callable[[Said], None]], None]
"""Puts a question; the second is called once with the answer."""


class Turns:
    """`put` puts a question at once, or tells at once why it cannot."""

    def __init__(self, put: Put) -> None:
        self._put = put
        self._under_way = 0
        self._waiting: deque[tuple[Ask, asyncio.Future[Said]]] = deque()
        self._sending = False

    def take(self, ask: Ask, answer: asyncio.Future[Said]) -> None:
        """Put a question when it is its turn. Once nobody waits for the answer any more it is left out."""
        if self._under_way < AT_ONCE:
            self._send(ask, answer)
        elif len(self._waiting) < WAITING:
            self._waiting.append((ask, answer))
        else:
            answer.set_result(BUSY)

    def _send(self, ask: Ask, answer: asyncio.Future[Said]) -> None:
        self._under_way += 1

        def told(said: Said) -> None:
            self._under_way -= 1
            if not answer.done():
                answer.set_result(said)
            self._next()

        self._put(ask, told)

    def _next(self) -> None:
        if self._sending:  # told at once while sending: whoever sends goes on
            return
        self._sending = True
        while self._waiting and self._under_way < AT_ONCE:
            ask, answer = self._waiting.popleft()
            if not answer.done():
                self._send(ask, answer)
        self._sending = False
