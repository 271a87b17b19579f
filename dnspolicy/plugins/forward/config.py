"""The `forward` directive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional, Zone
from dnspolicy.plugins.forward.attempt import Order
from dnspolicy.plugins.forward.upstreams import MOST, is_file, parse_upstream


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`forward FROM TO… { … }`.

    `from_`: names in this zone are forwarded. `to`: addresses, or files as resolv.conf(5). `except_`: zones below FROM
    that are not forwarded. `max_concurrent`: queries at a time, 0 is no limit. `policy`: which upstream comes first.
    """

    from_: Annotated[Zone, Positional]
    to: Annotated[tuple[str, ...], Positional]
    except_: tuple[Zone, ...] = ()
    max_concurrent: Annotated[int, msgspec.Meta(ge=0)] = 0
    policy: Order = Order.RANDOM
    force_tcp: bool = False
    prefer_udp: bool = False

    def __post_init__(self) -> None:
        if not self.to:
            raise ValueError("expected at least one upstream after the zone: an IP address, IP:PORT or a resolv.conf")
        if len(self.to) > MOST:
            raise ValueError(f"{len(self.to)} upstreams are more than {MOST}")
        for text in self.to:
            if not is_file(text):
                parse_upstream(text)
        if self.force_tcp and self.prefer_udp:
            raise ValueError("force_tcp and prefer_udp exclude each other")
