"""The `any` directive."""

from __future__ import annotations

import msgspec


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`any`, which has no words and no options."""
