"""The `chaos` directive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy import __version__
from dnspolicy.corefile.schema import Positional


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`chaos [VERSION] [AUTHORS…]`."""

    version: Annotated[str, Positional] = f"dnspolicy-{__version__}"
    authors: Annotated[tuple[str, ...], Positional] = ()
