"""A question on its way through the chain."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dnspolicy.model.name import Name
from dnspolicy.model.rr import Class


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"


class Via(StrEnum):
    """How the name now judged came about."""

    CLIENT = "client"
    REWRITE = "rewrite"
    CNAME = "cname"
    AUTOPATH = "autopath"


class Edns(msgspec.Struct, frozen=True, gc=False):
    """What the client's OPT said (RFC 6891). `size` in bytes; options it sent are `(code, data)`."""

    size: int
    do: bool = False
    version: int = 0
    options: tuple[tuple[int, bytes], ...] = ()


class Query(msgspec.Struct, frozen=True, gc=False):
    """One question. `name` is what is resolved now; `asked` is what the client typed, letters and all."""

    name: Name
    qtype: int
    asked: Name
    qclass: int = int(Class.IN)
    id: int = 0
    rd: bool = True
    cd: bool = False
    ad: bool = False
    edns: Edns | None = None
    transport: Transport = Transport.UDP
    via: Via = Via.CLIENT
    size: int = 0
    """Bytes of the message the client sent."""
    serial: int | None = None
    """The serial of the zone the client holds, which only an IXFR brings (RFC 1995 3)."""
    upstream_options: tuple[tuple[int, bytes], ...] = ()
    """EDNS options `(code, data)` that upstreams are to see (rewrite); those of the client never leave."""

    def renamed(self, to: Name, via: Via) -> Query:
        """The same question for another name; `asked` is kept."""
        return msgspec.structs.replace(self, name=to, via=via)
