from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.chain.http import Address, parse_address
from dnspolicy.corefile.schema import Positional


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`prometheus [ADDRESS] { runtime_metrics }`."""

    address: Annotated[str, Positional] = "localhost:9153"
    runtime_metrics: bool = False

    def __post_init__(self) -> None:
        parse_address(self.address)

    @property
    def listen(self) -> Address:
        return parse_address(self.address)
