"""The `edns0` rules: options that upstreams are to see (RFC 6891 6.1.2)."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from ipaddress import ip_address

import msgspec

from dnspolicy.chain.plugin import NO_FACTS, ClientFact
from dnspolicy.model.query import Edns
from dnspolicy.plugins.rewrite.responses import Response
from dnspolicy.plugins.rewrite.rules import AsItIs, Turning

NSID = 3
"""RFC 5001."""
SUBNET = 8
"""RFC 7871."""
IP: frozenset[ClientFact] = frozenset({("ip",)})


class Action(StrEnum):
    """What is done with an option."""

    SET = "set"
    REPLACE = "replace"
    APPEND = "append"
    UNSET = "unset"


class Variable(StrEnum):
    """What data can be taken from the query."""

    QNAME = "{qname}"
    QTYPE = "{qtype}"
    CLIENT_IP = "{client_ip}"
    CLIENT_PORT = "{client_port}"
    PROTOCOL = "{protocol}"
    SERVER_IP = "{server_ip}"
    SERVER_PORT = "{server_port}"


Make = Callable[[Turning], bytes | None]
"""The data of an option for one query; None when there are none."""
_READERS: dict[Variable, Make] = {
    Variable.QNAME: lambda turning: turning.text.encode(),
    Variable.QTYPE: lambda turning: turning.query.qtype.to_bytes(2, "big"),
    Variable.CLIENT_IP: lambda turning: _packed(turning.ctx.source),
    Variable.CLIENT_PORT: lambda turning: turning.ctx.port.to_bytes(2, "big"),
    Variable.PROTOCOL: lambda turning: turning.query.transport.encode(),
    Variable.SERVER_IP: lambda turning: _packed(turning.ctx.server_ip),
    Variable.SERVER_PORT: lambda turning: turning.ctx.server_port.to_bytes(2, "big"),
}
_FLEETING = frozenset({Variable.CLIENT_PORT, Variable.PROTOCOL, Variable.SERVER_IP, Variable.SERVER_PORT})
"""Two queries of one client with one question can differ in these."""


class Data(msgspec.Struct, frozen=True):
    """Data of an option: as they stand in the Corefile, of a variable, or of a metadata label."""

    fixed: bytes = b""
    variable: Variable | None = None
    label: str = ""

    def of(self, turning: Turning) -> bytes | None:
        """None when there are none for this query."""
        if self.variable is not None:
            turning.once = turning.once or self.variable in _FLEETING
            return _READERS[self.variable](turning)
        if self.label:
            return turning.label(self.label).encode() or None
        return self.fixed

    @property
    def labels(self) -> tuple[str, ...]:
        return (self.label,) if self.label else ()

    @property
    def reads(self) -> frozenset[ClientFact]:
        return IP if self.variable is Variable.CLIENT_IP else NO_FACTS


class Subnet(msgspec.Struct, frozen=True):
    """The client's network (RFC 7871 6); `v4` and `v6` are how many bits of its address are told."""

    v4: int
    v6: int

    def of(self, turning: Turning) -> bytes | None:
        packed = _packed(turning.ctx.source)
        if packed is None:
            return None
        family, bits = (1, self.v4) if len(packed) == 4 else (2, self.v6)
        size = -(-bits // 8)
        told = bytearray(packed[:size])
        if bits % 8:
            told[-1] &= 0xFF00 >> bits % 8
        return family.to_bytes(2, "big") + bytes((bits, 0)) + bytes(told)

    @property
    def labels(self) -> tuple[str, ...]:
        return ()

    @property
    def reads(self) -> frozenset[ClientFact]:
        return IP


class ForOption(msgspec.Struct, frozen=True):
    """`edns0`. Options of the client count too: `forward` passes some of them on, unless rules set or unset them."""

    stop: bool
    action: Action
    code: int
    data: Data | Subnet = Data()

    @property
    def labels(self) -> tuple[str, ...]:
        return self.data.labels

    @property
    def reads(self) -> frozenset[ClientFact]:
        """The client facts an option can tell; those of metadata labels are known to the metadata."""
        return self.data.reads

    def turn(self, turning: Turning) -> tuple[Response, ...] | None:
        query = turning.query
        set_so_far = query.upstream_options
        others = tuple(option for option in set_so_far if option[0] != self.code)
        theirs = () if query.edns is None else query.edns.options
        if self.action is Action.UNSET:
            turning.query = msgspec.structs.replace(query, upstream_options=others, edns=self._without(query.edns))
            return AsItIs
        there = len(others) < len(set_so_far) or any(code == self.code for code, _ in theirs)
        if (self.action is Action.APPEND and there) or (self.action is Action.REPLACE and not there):
            return None
        data = self.data.of(turning)
        if data is None:
            return None
        turning.query = msgspec.structs.replace(query, upstream_options=(*others, (self.code, data)))
        return AsItIs

    def _without(self, edns: Edns | None) -> Edns | None:
        if edns is None or not edns.options:
            return edns
        kept = tuple(option for option in edns.options if option[0] != self.code)
        return msgspec.structs.replace(edns, options=kept)


def _packed(address: str) -> bytes | None:
    try:
        return ip_address(address).packed
    except ValueError:
        return None
