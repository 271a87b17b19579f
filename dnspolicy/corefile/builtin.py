"""Directives that are no rooms."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional


class BindConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`bind ADDRESS|INTERFACE… { except ADDRESS|INTERFACE… }`: where a server block listens.

    An interface stands for all of its addresses.
    """

    addresses: Annotated[tuple[str, ...], Positional, msgspec.Meta(min_length=1)]
    except_: tuple[str, ...] = ()
