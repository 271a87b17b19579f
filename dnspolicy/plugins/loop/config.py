"""The `loop` directive."""

from __future__ import annotations

import msgspec


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`loop`, which has no words and no options."""
