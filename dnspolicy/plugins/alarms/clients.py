"""The clients that are watched: a bounded number, of which nobody can push out those of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import msgspec

from dnspolicy.cluster.alarms import Subject
from dnspolicy.model.identity import Alarm
from dnspolicy.plugins.alarms.counts import Counts

Labels = tuple[bytes, ...]
MANY: Labels = (b"",)
"""Stands for all domains of a client that have no place of their own."""
_LOOKED_AT = 16


class On(msgspec.Struct, frozen=True):
    """An alarm, and the monotonic time at which it ends or is renewed."""

    alarm: Alarm
    until: float


class Client:
    """What is known of one client: counts and alarms by domain."""

    __slots__ = ("alarms", "counts", "looked", "many", "subject")

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.counts: dict[Labels, Counts] = {}
        self.many: Counts | None = None
        self.alarms: dict[Labels, On] = {}
        self.looked = 0.0

    def of(self, domain: Labels) -> Counts | None:
        """The counts of a domain that has a place, or of all that have none."""
        return self.many if domain is MANY else self.counts.get(domain)

    def place(self, domain: Labels, now: float, half: float, most: int) -> Labels:
        """Where a domain is counted: its own place, or `MANY` while all are taken by what was asked for lately.

        What counts is never pushed out: who asks for many domains to hide one is found by all of them together.
        """
        if domain in self.counts:
            return domain
        if len(self.counts) >= most and now - self.looked >= half / 4:
            self.looked = now
            self.counts = {d: c for d, c in self.counts.items() if d in self.alarms or not c.idle(now, half)}
        if len(self.counts) < most:
            self.counts[domain] = Counts(now)
            return domain
        if self.many is None:
            self.many = Counts(now)
        return MANY


class Clients:
    """At most `capacity`. When all places are taken, each namespace has the same number, and strangers together too.

    Who goes is a client of the same namespace if that has its share already, else one of the namespace with most: the
    one that was silent for longest, rather than one with an alarm. `gone` is told.
    """

    def __init__(self, capacity: int, gone: Callable[[Client], None]) -> None:
        self._capacity = capacity
        self._gone = gone
        self._pools: dict[str, dict[Subject, Client]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Client]:
        return (client for pool in self._pools.values() for client in pool.values())

    def find(self, subject: Subject) -> Client:
        """The client, now the last to go in its namespace; a new one if it is not known."""
        key = subject[0] if len(subject) > 1 else ""
        pool = self._pools.get(key)
        client = pool.pop(subject, None) if pool is not None else None
        if client is None:
            if self._count >= self._capacity:
                self._make_room(key)
            client = Client(subject)
            self._count += 1
            pool = self._pools.setdefault(key, {})
        assert pool is not None
        pool[subject] = client
        return client

    def _make_room(self, key: str) -> None:
        pool = self._pools.get(key)
        share = max(1, self._capacity // (len(self._pools) + (pool is None)))
        if pool is None or len(pool) < share:
            key, pool = max(self._pools.items(), key=lambda item: len(item[1]))
        first = next(iter(pool.values()))
        client = next((c for c in islice(pool.values(), _LOOKED_AT) if not c.alarms), first)
        del pool[client.subject]
        if not pool:
            del self._pools[key]
        self._count -= 1
        self._gone(client)
