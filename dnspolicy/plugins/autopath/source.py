"""Where search lists come from."""

from __future__ import annotations

from pathlib import Path

from dnspolicy.chain.plugin import NO_FACTS
from dnspolicy.chain.search import read_search_list
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.identity import Identity
from dnspolicy.model.name import ROOT, Name


class FromFile:
    """One search list for all clients, from a file such as resolv.conf. Read once, here.

    Raises ConfigError when it cannot be read.
    """

    search_reads = NO_FACTS

    def __init__(self, path: Path) -> None:
        try:
            listed = read_search_list(path)
        except (OSError, ValueError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else problem
            raise ConfigError(f"autopath: {str(path)!r} cannot be read: {why}") from problem
        self._path = (*listed, ROOT)

    def search_path(self, identity: Identity, name: Name) -> tuple[Name, ...]:
        return self._path
