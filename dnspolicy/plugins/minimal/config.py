"""The `minimal` directive."""

from __future__ import annotations

import msgspec


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`minimal`, which has no words and no options."""
