"""Where in a finished message the numbers stand that change with time: TTLs and SOA serials."""

from __future__ import annotations

import msgspec

from dnspolicy.model.rr import Type
from dnspolicy.wire.accept import HEADER


class Stamps(msgspec.Struct, frozen=True):
    """Offsets in bytes of the 32-bit TTL fields (without the OPT's) and of the SOA serials of a message."""

    ttls: tuple[int, ...]
    serials: tuple[int, ...]


def stamps(wire: bytes) -> Stamps:
    """Find them in a message of our own making (one question, well-formed)."""
    ttls, serials = [], []
    at = _past_name(wire, HEADER) + 4
    for _ in range(sum(int.from_bytes(wire[n : n + 2], "big") for n in (6, 8, 10))):
        at = _past_name(wire, at)
        rtype = wire[at] << 8 | wire[at + 1]
        length = wire[at + 8] << 8 | wire[at + 9]
        if rtype != Type.OPT:
            ttls.append(at + 4)
        if rtype == Type.SOA:
            serials.append(at + 10 + length - 20)
        at += 10 + length
    return Stamps(tuple(ttls), tuple(serials))


def age(wire: bytes, places: tuple[int, ...], seconds: int) -> bytes:
    """The message with `seconds` taken from the TTLs at `places`, never below 0."""
    out = bytearray(wire)
    for at in places:
        left = max(0, int.from_bytes(out[at : at + 4], "big") - seconds)
        out[at : at + 4] = left.to_bytes(4, "big")
    return bytes(out)


def renumber(wire: bytes, places: tuple[int, ...], old: int, new: int) -> bytes:
    """The message with the serials at `places` that are `old` set to `new`."""
    out = bytearray(wire)
    for at in places:
        if int.from_bytes(out[at : at + 4], "big") == old:
            out[at : at + 4] = new.to_bytes(4, "big")
    return bytes(out)


def _past_name(wire: bytes, at: int) -> int:
    while size := wire[at]:
        if size >= 0xC0:
            return at + 2
        at += size + 1
    return at + 1
