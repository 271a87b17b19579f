"""A whole zone as messages (RFC 5936 2.2), and the message that says that a zone has changed (RFC 1996)."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

import msgspec

from dnspolicy.model.answer import Answer
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Class, Rcode, Record, Type
from dnspolicy.wire.accept import HEADER
from dnspolicy.wire.encode import encode_answer
from dnspolicy.wire.message import AA, QR

_HEADER = Struct("!HHHHHH")
_QUESTION = Struct("!HH")
_NOTIFY = 4 << 11
_OPCODE = 0xF << 11

BATCH = 63_000
"""Bytes of a message, nearly; the rest is for the header and the question."""
_ROUGH = 14
"""Bytes of a record besides its owner and rdata."""


def encode_transfer(query: Query, answer: Answer) -> Iterator[bytes]:
    """The messages of a transfer, in order. Every record fits into one of them, whatever its size."""
    batch: list[Record] = []
    size = 0
    for record in answer.answer:
        weight = len(record.owner.wire) + len(record.rdata) + _ROUGH
        if batch and size + weight > BATCH:
            yield _message(query, answer, batch)
            batch, size = [], 0
        batch.append(record)
        size += weight
    if batch:
        yield _message(query, answer, batch)


def _message(query: Query, answer: Answer, batch: list[Record]) -> bytes:
    return encode_answer(query, msgspec.structs.replace(answer, answer=tuple(batch)), 65_535)


def encode_notify(zone: Name, id: int) -> bytes:
    """The announcement that `zone` has changed (RFC 1996 3.7)."""
    return _HEADER.pack(id, _NOTIFY | AA, 1, 0, 0, 0) + zone.wire + _QUESTION.pack(Type.SOA, Class.IN)


def notify_taken(sent: bytes, reply: bytes) -> bool | None:
    """Whether the announcement `sent` was accepted; None when `reply` is no reply to it."""
    if len(reply) < HEADER or reply[:2] != sent[:2]:
        return None
    flags = _HEADER.unpack_from(reply)[1]
    if not flags & QR or flags & _OPCODE != _NOTIFY:
        return None
    return bool(flags & 0xF == Rcode.NOERROR)
