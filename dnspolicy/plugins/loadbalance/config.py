"""The `loadbalance` directive."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional


class Policy(StrEnum):
    """How records are ordered."""

    ROUND_ROBIN = "round_robin"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`loadbalance [round_robin]`."""

    policy: Annotated[Policy, Positional] = Policy.ROUND_ROBIN
