"""The `log` directive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional, Zone


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`log [ZONES…]`. No zones: every query."""

    zones: Annotated[tuple[Zone, ...], Positional] = ()
