"""The `local` directive."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`local { localhost_prefix on|off }`. The prefix: `localhost.` before any name at all."""

    localhost_prefix: Switch = Switch.ON
