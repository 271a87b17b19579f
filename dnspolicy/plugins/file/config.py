"""The `file` directive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Positional, Zone

SHORTEST_RELOAD = 0.1
"""Seconds."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`file DBFILE [ZONES…] { … }`.

    `reload`: seconds between looks at the file, 0 for never again. `reload_by_mtime`: a changed file is taken whatever
    its serial. `fallthrough`: zones whose unknown names the next room answers; empty for all, None for none.
    `upstream` is taken for old Corefiles and means nothing.
    """

    dbfile: Annotated[str, Positional]
    zones: Annotated[tuple[Zone, ...], Positional] = ()
    reload: Duration = Duration(60.0)
    reload_by_mtime: bool = False
    fallthrough: tuple[Zone, ...] | None = None
    upstream: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if 0 < self.reload < SHORTEST_RELOAD:
            raise ValueError(f"reload is too short; expected 0 or at least {SHORTEST_RELOAD:g}s")
