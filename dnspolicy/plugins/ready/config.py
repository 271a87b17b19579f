from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from dnspolicy.chain.http import Address, parse_address
from dnspolicy.corefile.schema import Positional


class Monitor(StrEnum):
    UNTIL_READY = "until-ready"
    """A room that was ready once is not asked again."""
    CONTINUOUSLY = "continuously"
    """Every room is asked every time."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`ready [ADDRESS] { monitor until-ready|continuously }`."""

    address: Annotated[str, Positional] = ":8181"
    monitor: Monitor = Monitor.UNTIL_READY

    def __post_init__(self) -> None:
        parse_address(self.address)

    @property
    def listen(self) -> Address:
        return parse_address(self.address)
