"""The input document: one versioned schema for all engines and both phases."""

from __future__ import annotations

import msgspec

from dnspolicy.model.identity import Identity
from dnspolicy.model.query import Query
from dnspolicy.model.target import Target
from dnspolicy.model.verdict import Phase

VERSION = 1


class AnswerFacts(msgspec.Struct, frozen=True):
    """What the response phase sees: every owner name and alias target, every address and SVCB hint (canonical text)."""

    rcode: str
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    made_by: str


class PolicyInput(msgspec.Struct, frozen=True):
    """One thing to be judged. `answer` only in the response phase."""

    phase: Phase
    client: Identity
    query: Query
    target: Target
    answer: AnswerFacts | None = None
