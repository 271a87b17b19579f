"""What is seen of an answer: by the response phase, and of whom it tells."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable

from dnspolicy.model.answer import Answer
from dnspolicy.model.name import Name
from dnspolicy.model.rr import Record, Type, rcode_text
from dnspolicy.model.target import Target
from dnspolicy.policy.input import AnswerFacts
from dnspolicy.wire.rdata import addresses_in, name_in

_ALIASES = frozenset({int(Type.CNAME), int(Type.DNAME)})
MAX_ALIASES = 16
TOO_MANY_ALIASES = f"more than {MAX_ALIASES} aliases"
_NAMES = _ALIASES | {int(Type.SVCB), int(Type.HTTPS)}


def aliases(answer: Answer) -> tuple[Name, ...]:
    """The targets of the CNAME and DNAME records, in the order of the answer."""
    found = [name_in(r) for r in answer.answer if r.type in _ALIASES]
    return tuple([n for n in found if n is not None])


def owned(answer: Answer, owners: Iterable[Target], found: Callable[[Name], Target]) -> tuple[Record, ...]:
    """The records without the reverse names of others. `found`: what a name leads to."""
    names = {(owner.namespace, owner.name) for owner in owners}

    def kept(record: Record) -> bool:
        if record.type != Type.PTR:
            return True
        name = name_in(record)
        target = None if name is None else found(name)
        return target is not None and (target.namespace, target.name) in names

    return tuple(filter(kept, answer.answer))


def answer_facts(answer: Answer) -> AnswerFacts:
    """Every owner name and alias target, and every address and hint, of the answer and additional sections."""
    records = answer.answer + answer.additional
    names = dict.fromkeys(str(name) for record in records for name in _names(record))
    addresses = dict.fromkeys(_dotted(text) for record in records for text in addresses_in(record))
    return AnswerFacts(rcode_text(answer.rcode), tuple(names), tuple(addresses), answer.made_by)


def _dotted(text: str) -> str:
    """An IPv4-mapped address as `::ffff:192.0.2.1` (RFC 5952 5), whatever the Python version makes of it."""
    if not text.startswith("::ffff:"):
        return text
    mapped = ipaddress.IPv6Address(text).ipv4_mapped
    return text if mapped is None else f"::ffff:{mapped}"


def _names(record: Record) -> Iterable[Name]:
    yield record.owner
    if record.type in _NAMES:
        target = name_in(record)
        if target is not None and target.labels:
            yield target
