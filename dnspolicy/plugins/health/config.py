from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.chain.http import Address, parse_address
from dnspolicy.corefile.schema import Duration, Positional


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`health [ADDRESS] { lameduck DURATION }`."""

    address: Annotated[str, Positional] = ":8080"
    lameduck: Annotated[Duration, msgspec.Meta(ge=0, le=3600)] = Duration(0.0)

    def __post_init__(self) -> None:
        parse_address(self.address)

    @property
    def listen(self) -> Address:
        return parse_address(self.address)
