"""What rooms can say about a query under a label: `kubernetes/client-namespace`, `forward/upstream`.

Nothing is gathered per query. Whoever shows or tests a label asks for it when it needs it: a value is worked out from
the query, the client and the reply alone.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from dnspolicy.chain.plugin import NO_FACTS, ClientFact
from dnspolicy.model.answer import Reply
from dnspolicy.model.identity import NOBODY, Identity
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What a label is asked about: the query as the client sent it, who sent it, and the reply once there is one."""

    query: Query
    identity: Identity = NOBODY
    reply: Reply | None = None


@runtime_checkable
class Describer(Protocol):
    """A room that knows labels."""

    def describe(self, label: str, subject: Subject) -> str | None:
        """The value of a label, empty when it does not apply; None for a label that is not this room's."""
        ...

    def facts_of(self, label: str) -> frozenset[ClientFact]:
        """The client facts the value can come from; empty for a label that is not this room's."""
        ...


class Metadata:
    """The labels of one server block. Without the `metadata` directive every label is empty, as in CoreDNS.

    With `zones`, names outside of them have no labels. `describers` are asked in turn. They are added while rooms are
    built, so that rooms may be given this before.
    """

    def __init__(self, enabled: bool = True, zones: tuple[Name, ...] = ()) -> None:
        self.enabled = enabled
        self._zones = zones
        self.describers: list[Describer] = []

    def value(self, label: str, subject: Subject) -> str:
        """The value of a label, empty when nobody knows it."""
        if self.enabled and (not self._zones or any(subject.query.name.under(zone) for zone in self._zones)):
            for describer in self.describers:
                found = describer.describe(label, subject)
                if found is not None:
                    return found
        return ""

    def facts_of(self, label: str) -> frozenset[ClientFact]:
        """The client facts a label's value can come from."""
        if not self.enabled:
            return NO_FACTS
        return NO_FACTS.union(*(describer.facts_of(label) for describer in self.describers))
