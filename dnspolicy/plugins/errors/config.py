"""The `errors` directive."""

from __future__ import annotations

import msgspec


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`errors`, which has no words and no options."""
