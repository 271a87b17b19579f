"""An answer's records in other orders, so that clients spread over all addresses."""

from __future__ import annotations

from dnspolicy.model.answer import Answer
from dnspolicy.model.rr import Record, Type

MAX_VARIANTS = 8
_ADDRESSES = (int(Type.A), int(Type.AAAA))


def variants(answer: Answer) -> tuple[Answer, ...]:
    """The answer with its A and AAAA records, and its MX records, rotated; at most `MAX_VARIANTS`, at least one.

    CNAMEs stand first, so that a stub resolver can follow them in order; then what is not rotated, addresses and MX.
    With more records than variants the rotations are spread over them evenly. Groups of addresses (`Answer.groups`)
    turn each by itself.
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
    groups = _grouped(addresses, answer.groups)
    if groups is None:
        return (answer,)
    longest = max(len(exchanges), *map(len, groups))
    if longest < 2:
        return (answer,)
    count = min(longest, MAX_VARIANTS)
    out = []
    for turn in range(count):
        turned = (record for group in (*groups, exchanges) for record in _turned(group, turn, count))
        out.append(answer.changed(answer=(*aliases, *rest, *turned)))
    return tuple(out)


def _grouped(addresses: list[Record], sizes: tuple[int, ...]) -> list[list[Record]] | None:
    """The addresses in groups of these sizes, one group without any; None when there are more or fewer records."""
    if not sizes:
        return [addresses]
    if sum(sizes) != len(addresses):
        return None
    groups, at = [], 0
    for size in sizes:
        groups.append(addresses[at : at + size])
        at += size
    return groups


def _turned(records: list[Record], turn: int, turns: int) -> list[Record]:
    start = turn * len(records) // turns
    return records[start:] + records[:start]
