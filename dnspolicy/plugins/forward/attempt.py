"""Which upstream is asked next, how, and for how long. No sockets, no clock: `now` is given (monotonic seconds)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from dnspolicy.model.query import Transport
from dnspolicy.plugins.forward.upstreams import Upstream

BUDGET = 5.0
"""Seconds one question may take, all attempts together."""
LONGEST = 2.0
"""Seconds after which a silent upstream is joined by the next one."""
FEWEST = 3
"""Questions sent before giving up on silence, however few upstreams there are."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
_TRIAL = LONGEST
_TOO_LATE = 0.002


class Order(StrEnum):
    """In which order upstreams are tried; the words of `policy`."""

    RANDOM = "random"
    ROUND_ROBIN = "round_robin"
    SEQUENTIAL = "sequential"


class Health:
    """What is known of one upstream from the questions it was asked: nothing is sent only to find out."""

    __slots__ = ("fails", "until")

    def __init__(self) -> None:
        self.fails = 0
        self.until = 0.0

    def failed(self, now: float) -> None:
        """Try it last for a while; twice as long with each failure in a row that is not of the same moment."""
        if now >= self.until or not self.fails:
            self.fails = min(self.fails + 1, 16)
            self.until = now + min(FIRST_PAUSE * 2.0 ** (self.fails - 1), LONGEST_PAUSE)

    def answered(self) -> None:
        self.fails = 0
        self.until = 0.0


class Ranking:
    """Puts upstreams in order: by policy, those that failed lately last."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._turn = 0

    def arrange(
        self, upstreams: Sequence[Upstream], order: Order, health: Mapping[Upstream, Health], now: float
    ) -> list[Upstream]:
        """All of them, each once. One whose pause is over is tried first by one question, not by all at once."""
        found = list(upstreams)
        if len(found) < 2:
            return found
        if order is Order.RANDOM:
            self._chance.shuffle(found)
        elif order is Order.ROUND_ROBIN:
            self._turn = (self._turn + 1) % 0x10000
            start = self._turn % len(found)
            found = found[start:] + found[:start]
        paused = [u for u in found if (h := health.get(u)) is not None and h.until > now]
        if paused:
            paused.sort(key=lambda u: health[u].until)
            found = [u for u in found if u not in paused] + paused
        first = health.get(found[0])
        if first is not None and first.fails and first.until <= now:
            first.until = now + _TRIAL
        return found


class Step(msgspec.Struct, frozen=True):
    """Ask `upstream` over `transport`, with or without EDNS; after `seconds` without an answer take the next step."""

    upstream: Upstream
    transport: Transport
    edns: bool
    seconds: float


class Attempts:
    """The course of one question.

    A silent upstream stays in the game: its late answer counts while others are asked. One that failed (refused,
    closed, unreachable) is not asked again. Silence is met with at least `FEWEST` questions within the budget.
    """

    def __init__(self, upstreams: Sequence[Upstream], transport: Transport, deadline: float) -> None:
        self._queue = list(upstreams)
        self._transport = transport
        self._deadline = deadline
        self._left = max(FEWEST, len(upstreams))
        self._urgent: list[tuple[Upstream, Transport, bool]] = []
        self._plain: set[Upstream] = set()
        self._tcp: set[Upstream] = set()
        self._failed: dict[Upstream, str] = {}
        self._silent: dict[Upstream, None] = {}

    def next(self, now: float) -> Step | None:
        """What to do now; None when nothing is left but to wait for what was asked."""
        rest = self._deadline - now
        if rest < _TOO_LATE:
            return None
        if self._urgent:
            return Step(*self._urgent.pop(0), min(LONGEST, rest))
        if self._left <= 0 or not self._queue:
            return None
        upstream = self._queue.pop(0)
        self._queue.append(upstream)
        transport = Transport.TCP if upstream in self._tcp else self._transport
        step = Step(upstream, transport, upstream not in self._plain, min(LONGEST, rest / self._left))
        self._left -= 1
        return step

    def silent(self, upstream: Upstream) -> None:
        """It said nothing in the time given."""
        self._silent[upstream] = None

    def failed(self, upstream: Upstream, why: str) -> None:
        """It cannot answer this question."""
        self._failed[upstream] = why
        if upstream in self._queue:
            self._queue.remove(upstream)
            self._left += 1  # an upstream that fails at once costs the others none of their turns

    def truncated(self, upstream: Upstream) -> None:
        """It has more to say than fits: ask it over TCP, at once (RFC 7766 5)."""
        if upstream not in self._tcp:
            self._tcp.add(upstream)
            self._urgent.append((upstream, Transport.TCP, upstream not in self._plain))

    def disliked_edns(self, upstream: Upstream, transport: Transport) -> None:
        """It did not understand a question with EDNS: ask again without, at once (RFC 6891 7)."""
        if upstream not in self._plain:
            self._plain.add(upstream)
            self._urgent.append((upstream, transport, False))

    @property
    def heard_nothing(self) -> bool:
        """Whether silence, and not only errors, is why there is no answer."""
        return any(u not in self._failed for u in self._silent)

    def story(self) -> str:
        """Why there is no answer, for people; at most three upstreams are named."""
        parts = [f"{u.text} {why}" for u, why in self._failed.items()]
        parts += [f"{u.text} did not answer in time" for u in self._silent if u not in self._failed]
        more = f", and {len(parts) - 3} more" if len(parts) > 3 else ""
        return ", ".join(parts[:3]) + more if parts else "no time left to ask an upstream"
