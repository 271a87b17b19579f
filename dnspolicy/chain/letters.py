"""The letters of a name as this asker wrote them (RFC 4343), in an answer that was made for another."""

from __future__ import annotations

from dnspolicy.model.answer import Answer
from dnspolicy.model.name import Name
from dnspolicy.model.rr import Record


def in_letters_of(name: Name, records: tuple[Record, ...]) -> tuple[Record, ...]:
    """The records with every owner that equals `name` written as `name` is; the same tuple when they all are."""
    labels, wire = name.labels, name.wire
    for record in records:
        if record.owner.labels == labels and record.owner.wire != wire:
            break
    else:
        return records
    return tuple(Record(name, r.type, r.ttl, r.rdata) if r.owner.labels == labels else r for r in records)


def answer_in_letters_of(name: Name, answer: Answer) -> Answer:
    """The answer with the owners of its answer section in the letters of `name`."""
    records = in_letters_of(name, answer.answer)
    return answer if records is answer.answer else answer.changed(answer=records)
