"""What is answered instead of what was asked for."""

from __future__ import annotations

from typing import Protocol

from dnspolicy.chain.context import QueryContext
from dnspolicy.model.answer import Answer, Freshness, Reply
from dnspolicy.model.errors import EngineBadReply
from dnspolicy.model.name import ROOT, Name
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode
from dnspolicy.model.verdict import Verdict
from dnspolicy.plugins.policy import apply
from dnspolicy.plugins.policy.judge import Judge


class Missing(Protocol):
    """How a name that does not exist is answered in a cluster zone; None for names outside of them."""

    def __call__(self, query: Query) -> Answer | None: ...


class Instead:
    """`zones` are those of the server block, for names outside the cluster."""

    def __init__(self, judge: Judge, missing: Missing, zones: tuple[Name, ...]) -> None:
        self._judge = judge
        self._missing = missing
        self._zones = zones

    def missing(self, query: Query) -> Answer:
        """As if the name did not exist."""
        found = self._missing(query)
        if found is not None:
            return found
        zone = max((z for z in self._zones if query.name.under(z)), key=lambda z: len(z.labels), default=ROOT)
        return apply.missing_in(zone)

    def nothing(self, query: Query, fresh: Freshness) -> Answer:
        """NXDOMAIN, for as long as `fresh` says at most."""
        missing = self.missing(query)
        return missing.changed(rcode=int(Rcode.NXDOMAIN), fresh=missing.fresh.within(fresh))

    def blocked(self, query: Query, verdict: Verdict, fresh: Freshness) -> Reply:
        """What a block says."""
        return apply.blocked(query, verdict, self.missing(query), fresh)

    def failed(self, query: Query, ctx: QueryContext, text: str) -> Reply:
        """What follows from a decision that cannot be carried out; it is written into the record."""
        verdict = self._judge.fail(query, ctx, EngineBadReply(text))
        return self.blocked(query, verdict, Freshness(0.0))
