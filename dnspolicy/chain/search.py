"""Where a client looks for short names."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from dnspolicy.chain.plugin import ClientFact
from dnspolicy.model.identity import Identity
from dnspolicy.model.name import Name


@runtime_checkable
class SearchPaths(Protocol):
    """A room that knows the search list a client's resolver walks (resolv.conf(5))."""

    search_reads: frozenset[ClientFact]
    """The client facts the list depends on."""

    def search_path(self, identity: Identity) -> tuple[Name, ...]:
        """The client's search list, first one first; empty when it is not known."""
        ...
