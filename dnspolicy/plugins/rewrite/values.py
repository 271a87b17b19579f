"""The one name in a record's data that rules may change."""

from __future__ import annotations

from dnspolicy.model.errors import WireError
from dnspolicy.model.name import Name
from dnspolicy.model.rr import Record, Type
from dnspolicy.wire.reader import read_plain_name

_STARTS_AT = {
    int(Type.CNAME): 0, int(Type.DNAME): 0, int(Type.NS): 0, int(Type.PTR): 0, int(Type.SOA): 0,
    int(Type.MX): 2, int(Type.SRV): 6,
}  # fmt: skip
"""Bytes before the name, by type. The name of an SOA is that of its primary server."""
_NAPTR_TEXTS = 3


def value_of(record: Record) -> Name | None:
    """The name in it; None for types that have none, and for data that are not well-formed."""
    found = _place(record)
    return None if found is None else found[0]


def renamed_value(record: Record, to: Name) -> Record:
    """The record with another name in it. Only for records that have one."""
    found = _place(record)
    assert found is not None
    _, start, end = found
    return Record(record.owner, record.type, record.ttl, record.rdata[:start] + to.wire + record.rdata[end:])


def _place(record: Record) -> tuple[Name, int, int] | None:
    start = _after_texts(record.rdata) if record.type == Type.NAPTR else _STARTS_AT.get(record.type)
    if start is None:
        return None
    try:
        name, end = read_plain_name(record.rdata, start)
    except WireError:
        return None
    return name, start, end


def _after_texts(rdata: bytes) -> int | None:
    """Where the name of a NAPTR begins (RFC 3403 4.1): behind two numbers and three texts."""
    at = 4
    for _ in range(_NAPTR_TEXTS):
        if at >= len(rdata):
            return None
        at += 1 + rdata[at]
    return at
