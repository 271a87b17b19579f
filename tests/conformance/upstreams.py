"""What the name servers around the server hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dnspolicy.model.rr import Rcode
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
        else:
            found[owner, None] = Script()
            for text in data:
                rr = parse(text, owner, 60)
                found[owner, rr.type] = Script(answer=(record(rr.owner, rr.type, rr.rdata, int(rr.ttl)),))
    return found


def script_for(held: dict[tuple[str, str | None], Script], name: str, kind: str) -> Script:
    return held.get((name, kind)) or held.get((name, None)) or NXDOMAIN
