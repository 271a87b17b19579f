"""Which upstream is asked next, how, and for how long. No sockets, no clock: `now` is given (monotonic seconds)."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from dnspolicy.model.query import Transport
from dnspolicy.plugins.forward.peer import Peer

BUDGET = 5.0
"""Seconds one question may take, all attempts together."""
LONGEST = 2.0
"""Seconds after which a silent upstream is joined by the next one, unless configured."""
FEWEST = 3
"""Questions sent before giving up on silence, however few upstreams there are."""
_TOO_LATE = 0.002


class Order(StrEnum):
    """In which order upstreams are tried; the words of `policy`."""

    RANDOM = "random"
    ROUND_ROBIN = "round_robin"
    SEQUENTIAL = "sequential"


class Ranking:
    """Puts upstreams in order."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._turn = 0

    def arrange(self, peers: Sequence[Peer], order: Order) -> list[Peer]:
        """All of them, each once: by policy, behind them those in doubt, at the end those that are down.

        When all are down, checks may be what is broken: they come in random order.
        """
        found = list(peers)
        if len(found) < 2:
            return found
        if order is Order.RANDOM:
            self._chance.shuffle(found)
        elif order is Order.ROUND_ROBIN:
            self._turn = (self._turn + 1) % 0x10000
            start = self._turn % len(found)
            found = found[start:] + found[:start]
        for peer in found:
            if peer.suspect:
                if all(other.down for other in found):
                    self._chance.shuffle(found)
                else:
                    found.sort(key=_doubt)
                break
        return found


def _doubt(peer: Peer) -> int:
    return 2 if peer.down else int(peer.suspect)


class Step(msgspec.Struct, frozen=True):
    """Ask `peer` over `transport`, with or without EDNS; after `seconds` without an answer take the next step.

    `check`: nobody's question, only to see whether it is there.
    """

    peer: Peer
    transport: Transport
    edns: bool
    seconds: float
    check: bool = False


class Limits(msgspec.Struct, frozen=True):
    """`longest`: seconds to wait for one upstream. `most`: questions sent at most, 0 for no limit but time."""

    longest: float = LONGEST
    most: int | None = None

    def steps(self, peers: int, seconds: float) -> int:
        """How many questions may be sent."""
        if self.most:
            return self.most
        fewest = max(FEWEST, peers)
        return fewest if self.most is None else max(fewest, math.ceil(max(seconds, 0.0) / self.longest))


USUAL_LIMITS = Limits()


class Attempts:
    """The course of one question.

    A silent upstream stays in the game: its late answer counts while others are asked. One that failed (refused,
    closed, unreachable) is not asked again. Silence is met with several questions within the budget.
    """

    __slots__ = (
        "_capped", "_deadline", "_failed", "_left", "_longest", "_plain", "_queue", "_silent", "_tcp", "_transport",
        "_urgent",
    )  # fmt: skip

    def __init__(
        self, peers: list[Peer], transport: Transport, deadline: float, now: float, limits: Limits = USUAL_LIMITS
    ) -> None:
        """`peers` is emptied on the way."""
        self._queue = peers
        self._transport = transport
        self._deadline = deadline
        self._longest = limits.longest
        self._left = limits.steps(len(peers), deadline - now)
        self._capped = bool(limits.most)
        self._urgent: list[tuple[Peer, Transport, bool]] = []
        self._plain: set[Peer] = set()
        self._tcp: set[Peer] = set()
        self._failed: dict[Peer, str] = {}
        self._silent: dict[Peer, None] = {}

    def next(self, now: float) -> Step | None:
        """What to do now; None when nothing is left but to wait for what was asked."""
        rest = self._deadline - now
        if rest < _TOO_LATE:
            return None
        if self._urgent:
            return Step(*self._urgent.pop(0), min(self._longest, rest))
        if self._left <= 0 or not self._queue:
            return None
        peer = self._queue.pop(0)
        self._queue.append(peer)
        transport = Transport.TCP if peer.secure or peer in self._tcp else self._transport
        step = Step(peer, transport, peer not in self._plain, min(self._longest, rest / self._left))
        self._left -= 1
        return step

    def silent(self, peer: Peer) -> None:
        """It said nothing in the time given."""
        self._silent[peer] = None

    def failed(self, peer: Peer, why: str) -> None:
        """It cannot answer this question."""
        self._failed[peer] = why
        if peer in self._queue:
            self._queue.remove(peer)
            if not self._capped:
                self._left += 1  # an upstream that fails at once costs the others none of their turns

    def declined(self, peer: Peer) -> bool:
        """It answered, but others may know better: whether there are others."""
        if peer in self._queue:
            self._queue.remove(peer)
        return bool(self._queue) and self._left > 0

    def truncated(self, peer: Peer) -> None:
        """It has more to say than fits: ask it over TCP, at once (RFC 7766 5)."""
        if peer not in self._tcp:
            self._tcp.add(peer)
            self._urgent.append((peer, Transport.TCP, peer not in self._plain))

    def disliked_edns(self, peer: Peer, transport: Transport) -> None:
        """It did not understand a question with EDNS: ask again without, at once (RFC 6891 7)."""
        if peer not in self._plain:
            self._plain.add(peer)
            self._urgent.append((peer, transport, False))

    @property
    def heard_nothing(self) -> bool:
        """Whether silence, and not only errors, is why there is no answer."""
        return any(peer not in self._failed for peer in self._silent)

    def story(self) -> str:
        """Why there is no answer, for people; at most three upstreams are named."""
        parts = [f"{peer.text} {why}" for peer, why in self._failed.items()]
        parts += [f"{peer.text} did not answer in time" for peer in self._silent if peer not in self._failed]
        more = f", and {len(parts) - 3} more" if len(parts) > 3 else ""
        return ", ".join(parts[:3]) + more if parts else "no time left to ask an upstream"
