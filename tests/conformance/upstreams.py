"""What the name servers around the server hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dnspolicy.model.rr import Rcode, Record, Type, type_text
from dnspolicy.testing.upstream import NXDOMAIN, Script, record
from tests.conformance.suite import parse, reverse

CUT = Script(tc=True)
"""Over UDP the answer never fits, over TCP it is empty."""


def scripts(held: Mapping[str, Any]) -> dict[tuple[str, str | None], Script]:
    """What is answered to a name and a type (None: to any other type), names in lower case with their final dot."""
    found: dict[tuple[str, str | None], Script] = {}
    for name, data in held.items():
        owner = reverse(name).lower()
        if name == "default":
            continue
        if data == "TC":
            found[owner, None] = CUT
        elif isinstance(data, str):
            found[owner, None] = Script(rcode=int(Rcode[data]))
        elif isinstance(data, Mapping):
            found[owner, None] = Script(rcode=int(Rcode[data["rcode"]]), authority=_records(data["rr"], owner))
        else:
            found |= _held(owner, _records(data, owner))
    return found


def _held(owner: str, held: tuple[Record, ...]) -> dict[tuple[str, str | None], Script]:
    """Each type with its records; an alias, with what is known behind it, for all types."""
    if any(one.type == Type.CNAME for one in held):
        return {(owner, None): Script(answer=held)}
    found: dict[tuple[str, str | None], Script] = {(owner, None): Script()}
    for kind in {one.type for one in held}:
        found[owner, type_text(kind)] = Script(answer=tuple(one for one in held if one.type == kind))
    return found


def _records(texts: Iterable[str], owner: str) -> tuple[Record, ...]:
    read = [parse(text, owner, 60) for text in texts]
    return tuple(record(rr.owner, rr.type, rr.rdata.replace('"', ""), int(rr.ttl)) for rr in read)


def script_for(held: dict[tuple[str, str | None], Script], name: str, kind: str) -> Script:
    return held.get((name, kind)) or held.get((name, None)) or NXDOMAIN
