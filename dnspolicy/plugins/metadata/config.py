"""The `metadata` directive. It is no room: what it enables is `chain.metadata`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional, Zone


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`metadata [ZONES…]`: the zones whose queries have labels; none for those of the server block."""

    zones: Annotated[tuple[Zone, ...], Positional] = ()
