"""Answers, and how long and on what they rest."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dnspolicy.model.rr import Rcode, Record


class Rests(StrEnum):
    """Kinds of things an answer can rest on."""

    SERVICE = "service"
    """`namespace/name`: the Service, its EndpointSlices, or their absence."""
    NAMESPACE = "namespace"
    """`name`: the Namespace, its labels, or its absence."""
    IP = "ip"
    """Canonical address: the pods, services and endpoints that hold it."""
    SERIAL = "serial"
    """`cluster`: the zone serial of the SOA."""
    CLUSTER = "cluster"
    """`sync`: whether the index is complete."""
    POLICY = "policy"
    """Name of the engine: its policy and data revision."""
    FILE = "file"
    """Path of a file (zones, weights)."""
    CHAIN = "chain"
    """`everything`: which room answers what. All answers rest on it, and none says so."""


Dependency = tuple[Rests, str]
Dependencies = frozenset[Dependency]
NOTHING: Dependencies = frozenset()
EVERYTHING: Dependency = (Rests.CHAIN, "everything")
"""Announced when any answer may be another now: whoever keeps some forgets them all."""


class Freshness(msgspec.Struct, frozen=True, gc=False):
    """How long an answer may be reused, and on what it rests.

    `ttl`: seconds from the moment the answer was made; None while nothing in `rests` changes; 0 never.
    `aged_since`: monotonic time at which the records had the TTLs that count down since, once a second;
    None when TTLs stay as they are. An answer whose TTLs do not all behave alike has ttl 0.
    """

    ttl: float | None = None
    rests: Dependencies = NOTHING
    aged_since: float | None = None

    def also(self, other: Freshness) -> Freshness:
        """Freshness of an answer with records of both."""
        ttl = other.ttl if self.ttl is None else self.ttl if other.ttl is None else min(self.ttl, other.ttl)
        rests = self.rests | other.rests if other.rests else self.rests
        if self.aged_since != other.aged_since:
            return Freshness(0.0, rests)
        return Freshness(ttl, rests, self.aged_since)

    def within(self, other: Freshness) -> Freshness:
        """The same, no longer than `other` holds and resting on its grounds too; `other` adds no records."""
        rested = self.resting(other.rests)
        return rested if other.ttl is None else rested.capped(other.ttl)

    def resting(self, rests: Dependencies) -> Freshness:
        """The same, resting on more."""
        return Freshness(self.ttl, self.rests | rests, self.aged_since) if rests else self

    def capped(self, ttl: float) -> Freshness:
        """The same, for at most `ttl` seconds."""
        return Freshness(ttl if self.ttl is None else min(ttl, self.ttl), self.rests, self.aged_since)


STABLE = Freshness()
ONCE = Freshness(0.0)


class ExtendedError(msgspec.Struct, frozen=True, gc=False):
    """An extended DNS error (RFC 8914): info-code and text."""

    code: int
    text: str = ""


class EdeCode:
    """Info-codes of RFC 8914 that this server says."""

    OTHER = 0
    FORGED_ANSWER = 4
    NOT_READY = 14
    BLOCKED = 15
    CENSORED = 16
    FILTERED = 17
    PROHIBITED = 18
    STALE_ANSWER = 3
    STALE_NXDOMAIN = 19
    NO_REACHABLE_AUTHORITY = 22
    NETWORK_ERROR = 23


class Answer(msgspec.Struct, frozen=True, gc=False):
    """One reply to be sent. Records stand in the order they are to be sent in.

    `made_by` is the plugin that made the answer. `rotate` lets address records be served in turn (loadbalance).
    """

    rcode: int = int(Rcode.NOERROR)
    answer: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    aa: bool = False
    ra: bool = False
    tc: bool = False
    ede: tuple[ExtendedError, ...] = ()
    made_by: str = ""
    fresh: Freshness = ONCE
    rotate: bool = False
    upstream: str = ""
    """Address of the upstream that gave it; empty when made here."""
    ordered: bool = False
    """The order of the records was chosen and must stay: never to be rotated."""
    transfer: bool = False
    """A whole zone (RFC 5936): sent over TCP in as many messages as it takes, and never kept."""
    rd: bool | None = None
    """The RD flag of the reply; None copies the query's."""
    private: bool = False
    """Made for this client: a cache that clients share must not keep it. Said by a room below the cache whose `reads`
    had a part in this answer, or in passing the query on, and by one that used an answer of `ctx.resolve`."""
    groups: tuple[int, ...] = ()
    """With `rotate`: sizes of the groups of address records that stay in their order and turn each by itself; empty
    for one group. Whoever takes records out or puts some in gives up the turning."""

    def changed(self, **fields: object) -> Answer:
        """A copy with other fields."""
        return msgspec.structs.replace(self, **fields)


class Drop(msgspec.Struct, frozen=True):
    """No reply is sent. `why` is for the record."""

    why: str
    made_by: str = ""


Reply = Answer | Drop
