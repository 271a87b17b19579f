"""Whether a query is for one of some zones, for rooms that every query comes by."""

from __future__ import annotations

from collections.abc import Iterable

from dnspolicy.chain.plugin import Concerns
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query


def inside(zones: Iterable[Name]) -> Concerns | None:
    """A test whether a name is in one of `zones`; None when every name is."""
    ends = tuple((zone.labels, -len(zone.labels)) for zone in dict.fromkeys(zones))
    if any(not start for _, start in ends):
        return None
    if len(ends) == 1:
        ((only, where),) = ends
        return lambda query: query.name.labels[where:] == only

    def test(query: Query) -> bool:
        labels = query.name.labels
        for end, start in ends:  # noqa: SIM110 any() takes three times as long
            if labels[start:] == end:
                return True
        return False

    return test
