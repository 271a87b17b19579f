"""A whole zone as messages (RFC 5936 2.2): as many records in each as fit."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dnspolicy.model.answer import Answer
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Record
from dnspolicy.wire.encode import encode_answer

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
