"""Where a client looks for short names."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from dnspolicy.chain.plugin import ClientFact
from dnspolicy.corefile.regular import read_regular
from dnspolicy.model.errors import BadName
from dnspolicy.model.identity import Identity
from dnspolicy.model.name import Name, from_text

MAX_SEARCHED = 32
"""Names of one search list, as in glibc before it took any number."""
_LONGEST = 1 << 20
"""Bytes of a resolv.conf."""


@runtime_checkable
class SearchPaths(Protocol):
    """A room that knows the search list a client's resolver walks (resolv.conf(5))."""

    search_reads: frozenset[ClientFact]
    """The client facts the list depends on."""

    def search_path(self, identity: Identity, name: Name) -> tuple[Name, ...]:
        """The list of a client that asks for `name`, first one first, the root last; empty when it is not known."""
        ...


def read_search_list(path: Path) -> tuple[Name, ...]:
    """What a resolv.conf says, as much of it as one may have. Raises OSError, and ValueError when it is no file."""
    return search_list(read_regular(path, _LONGEST).raw.decode(errors="replace"))


def search_list(resolv_conf: str) -> tuple[Name, ...]:
    """What the text of a resolv.conf says (resolv.conf(5)): the last `search` or `domain` line counts.

    Names that cannot be read are left out, and so is what is beyond `MAX_SEARCHED`.
    """
    found: list[str] = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "search":
            found = words[1:]
        elif len(words) > 1 and words[0] == "domain":
            found = words[1:2]
    return tuple(name for name in map(_name, found[:MAX_SEARCHED]) if name is not None)


def _name(text: str) -> Name | None:
    try:
        return from_text(text.lower())
    except BadName:
        return None
