"""The `reload` directive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Duration, Positional

LEAST_INTERVAL, LEAST_JITTER = 2.0, 1.0


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`reload [INTERVAL] [JITTER]`: look every `interval` seconds, more or less half of `jitter`, chosen once."""

    interval: Annotated[Duration, Positional] = Duration(30.0)
    jitter: Annotated[Duration, Positional] = Duration(15.0)

    def __post_init__(self) -> None:
        if self.interval < LEAST_INTERVAL:
            raise ValueError(f"INTERVAL must be {LEAST_INTERVAL:.0f}s or more")
        if self.jitter and self.jitter < LEAST_JITTER:
            raise ValueError(f"JITTER must be 0s, or {LEAST_JITTER:.0f}s or more")

    def pause(self, chance: float) -> float:
        """Seconds between two looks; `chance` from 0 to 1 chooses among those that are possible."""
        spread = min(self.jitter, self.interval / 2)
        return self.interval + spread * (chance - 0.5)
