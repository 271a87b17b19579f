"""An answer's records in other orders, so that clients spread over all addresses."""

from __future__ import annotations

from dnspolicy.model.answer import Answer
from dnspolicy.model.rr import Record, Type

MAX_VARIANTS = 8
_ADDRESSES = (int(Type.A), int(Type.AAAA))


def variants(answer: Answer) -> tuple[Answer, ...]:
    """The answer with its A and AAAA records, and its MX records, rotated; at most `MAX_VARIANTS`, at least one.

    CNAMEs stand first, so that a stub resolver can follow them in order; then what is not rotated, addresses and MX.
    With more records than variants the rotations are spread over them evenly.
    """
    aliases: list[Record] = []
    addresses: list[Record] = []
    exchanges: list[Record] = []
    rest: list[Record] = []
    for record in answer.answer:
        if record.type in _ADDRESSES:
            addresses.append(record)
        elif record.type == Type.CNAME:
            aliases.append(record)
        elif record.type == Type.MX:
            exchanges.append(record)
        else:
            rest.append(record)
    longest = max(len(addresses), len(exchanges))
    if longest < 2:
        return (answer,)
    head = (*aliases, *rest)
    count = min(longest, MAX_VARIANTS)
    return tuple(
        answer.changed(answer=(*head, *_turned(addresses, turn, count), *_turned(exchanges, turn, count)))
        for turn in range(count)
    )


def _turned(records: list[Record], turn: int, turns: int) -> list[Record]:
    start = turn * len(records) // turns
    return records[start:] + records[:start]
