"""What the name servers outside say, in short-hand.

A www.shop.example: 203.0.113.5                           # data, or a list of data
A api.cards.example: [CNAME edge7.cdn.example., edge7.cdn.example. A 203.0.113.9]
A slow.example: {answer: [A 203.0.113.8], delay: 0.1}     # or silent, lies, rcode, tc
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dns.rdata
import dns.rdataclass

from dnspolicy.model.name import from_text
from dnspolicy.model.rr import Rcode, Record, type_number
from dnspolicy.testing.lies import Lie
from dnspolicy.testing.upstream import FakeUpstream, Script

TTL = 300


def teach(upstream: FakeUpstream, said: Mapping[str, Any]) -> None:
    """Other types of a name that is known exist, but have no records."""
    for question in said:
        upstream.on(question.split()[1], Script())
    for question, answer in said.items():
        kind, name = question.split()
        upstream.on(name, *(_script(one, kind, name) for one in _turns(answer)), qtype=kind)


def _turns(answer: Any) -> list[Any]:
    """Several answers one after the other."""
    return answer["turns"] if isinstance(answer, dict) and "turns" in answer else [answer]


def _script(said: Any, kind: str, name: str) -> Script:
    if not isinstance(said, dict):
        said = {"answer": said}
    if said.get("silent"):
        return Script(truth=False, lies=_lies(said))
    held = said.get("answer", [])
    records = tuple(_record(text, kind, name) for text in (held if isinstance(held, list) else [held]))
    rcode = int(Rcode[said.get("rcode", "NOERROR")])
    return Script(rcode=rcode, answer=records, lies=_lies(said), delay=said.get("delay", 0.0), tc=said.get("tc", False))


def _lies(said: Mapping[str, Any]) -> tuple[Lie, ...]:
    told = said.get("lies", [])
    return tuple(Lie) if told == "all" else tuple(map(Lie, told))


def _record(text: str, kind: str, name: str) -> Record:
    """`[OWNER.] [TYPE] DATA`."""
    words = text.split()
    if words[0].endswith(".") and len(words) > 2:
        name = words.pop(0)
    if words[0].isupper() and words[0].isalnum() and not words[0].isdigit():
        kind = words.pop(0)
    rdata = dns.rdata.from_text(dns.rdataclass.IN, kind, " ".join(words))
    return Record(from_text(name), type_number(kind), TTL, rdata.to_wire())
