"""The resolver configuration of this machine."""

from __future__ import annotations

from pathlib import Path

from dnspolicy.chain.search import read_search_list
from dnspolicy.model.name import Name

RESOLV_CONF = Path("/etc/resolv.conf")


def machine_search() -> tuple[Name, ...]:
    """The search list of this machine; empty when there is none."""
    try:
        return read_search_list(RESOLV_CONF)
    except (OSError, ValueError):
        return ()
