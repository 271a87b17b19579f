"""Reading names and records out of a message (RFC 1035 4.1)."""

from __future__ import annotations

from struct import Struct

from dnspolicy.model.errors import WireError
from dnspolicy.model.name import MAX_LABEL, MAX_WIRE, Name
from dnspolicy.model.rr import Record, Type

_FIXED = Struct("!HHIH")
_POINTER = 0xC0
MAX_RECORDS = 4096
MAX_POINTERS = 64
"""Compression pointers one name may have; nobody needs more than a few."""

_NAMES_IN_RDATA: dict[int, tuple[int, int]] = {
    int(Type.NS): (0, 1),
    int(Type.CNAME): (0, 1),
    int(Type.SOA): (0, 2),
    int(Type.PTR): (0, 1),
    14: (0, 2),  # MINFO
    int(Type.MX): (2, 1),
    17: (0, 2),  # RP
    18: (2, 1),  # AFSDB
    21: (2, 1),  # RT
    int(Type.SRV): (6, 1),
    36: (2, 1),  # KX
    int(Type.DNAME): (0, 1),
}
"""Types whose rdata may hold compressed names: bytes before the first, and how many (RFC 3597 4)."""


def read_plain_name(wire: bytes, at: int) -> tuple[Name, int]:
    """A name without compression, as a question has it, and where it ends. Raises WireError."""
    key = wire[at : at + MAX_WIRE].lower()  # which leaves lengths up to 63 as they are
    labels = []
    end = 0
    try:
        while size := key[end]:
            if size > MAX_LABEL:
                raise WireError("a pointer or an unknown label type in the question")
            start = end + 1
            end = start + size
            labels.append(key[start:end])
    except IndexError:
        raise WireError("the name runs past the end, or is too long") from None
    end += at + 1
    return Name(wire[at:end], tuple(labels)), end


def _labels(key: bytes) -> tuple[bytes, ...]:
    found = []
    at = 0
    while size := key[at]:
        found.append(key[at + 1 : at + 1 + size])
        at += size + 1
    return tuple(found)


def read_name(wire: bytes, at: int) -> tuple[Name, int]:
    """A name that may be compressed, and where it ends. Pointers must go back. Raises WireError."""
    parts = []
    total, end, lowest, pointers = 1, -1, at, 0
    try:
        while size := wire[at]:
            if size >= _POINTER:
                target = (size & 0x3F) << 8 | wire[at + 1]
                if end < 0:
                    end = at + 2
                if target >= lowest:
                    raise WireError("a compression pointer does not go back")
                pointers += 1
                if pointers > MAX_POINTERS:
                    raise WireError("too many compression pointers in one name")
                at = lowest = target
                continue
            if size > 63:
                raise WireError("an unknown label type")
            total += size + 1
            if total > MAX_WIRE:
                raise WireError("a name is too long")
            parts.append(wire[at : at + size + 1])
            at += size + 1
    except IndexError:
        raise WireError("a name runs past the end") from None
    whole = b"".join(parts) + b"\0"
    if len(whole) != total:
        raise WireError("a name runs past the end")
    return Name(whole, _labels(whole.lower())), (at + 1 if end < 0 else end)


def read_records(wire: bytes, at: int, count: int) -> tuple[list[tuple[Record, int]], int]:
    """`count` records, each with its class, and where they end. Raises WireError."""
    if count > MAX_RECORDS:
        raise WireError("too many records")
    found: list[tuple[Record, int]] = []
    for _ in range(count):
        owner, at = read_name(wire, at)
        if at + 10 > len(wire):
            raise WireError("a record runs past the end")
        rtype, rclass, ttl, length = _FIXED.unpack_from(wire, at)
        at += 10
        if at + length > len(wire):
            raise WireError("record data runs past the end")
        rdata = _rdata(wire, at, length, rtype) if rtype in _NAMES_IN_RDATA else wire[at : at + length]
        if ttl >> 31 and rtype != Type.OPT:  # RFC 2181 8; the TTL of an OPT is flags
            ttl = 0
        found.append((Record(owner, rtype, ttl, rdata), rclass))
        at += length
    return found, at


def _rdata(wire: bytes, at: int, length: int, rtype: int) -> bytes:
    """Record data with its names uncompressed."""
    end = at + length
    before, names = _NAMES_IN_RDATA[rtype]
    parts = [wire[at : at + before]]
    at += before
    for _ in range(names):
        name, at = read_name(wire, at)
        parts.append(name.wire)
    if at > end:
        raise WireError("a name runs past its record data")
    parts.append(wire[at:end])
    return b"".join(parts)
