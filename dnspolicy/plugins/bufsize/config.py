"""The `bufsize` directive. It is no room: the front door keeps to the size."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`bufsize [SIZE]`, in bytes."""

    size: Annotated[int, Positional, msgspec.Meta(ge=512, le=4096)] = 1232
