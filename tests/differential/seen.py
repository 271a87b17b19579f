"""Replies as a client sees them, taken apart so that they can be compared part by part."""

from __future__ import annotations

import re

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from tests.conformance.suite import records_of

Parts = dict[str, str]
"""What each part of a reply says, as text; `none` is the only part of a reply that did not come."""
_TTL = re.compile(r"ttl=(\d+)")
_COUNTED = ("answer", "authority", "additional")


def seen(wire: bytes | None) -> Parts:
    """The parts of a reply. Of a truncated one, what it has room for is left out."""
    if wire is None:
        return {"none": "no reply"}
    try:
        reply = dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=False)
    except dns.exception.DNSException as problem:
        return {"none": f"not a message: {problem}"}
    parts = {
        "rcode": dns.rcode.to_text(reply.rcode()),
        "question": " ".join(question.to_text() for question in reply.question),
        "opt": _opt(reply),
        "options": " ".join(sorted(option.to_text() for option in reply.options)),
    }
    for flag in (dns.flags.QR, dns.flags.AA, dns.flags.TC, dns.flags.RD, dns.flags.RA, dns.flags.AD, dns.flags.CD):
        parts[str(flag.name).lower()] = str(int(bool(reply.flags & flag)))
    if parts["tc"] == "1":
        return parts
    for section, held in zip(_COUNTED, (reply.answer, reply.authority, reply.additional), strict=True):
        lines = [f"{r.owner} {r.type} {r.rdata} ttl={r.ttl}" for r in records_of(held)]
        parts[section] = "; ".join(sorted(lines))
    parts["order"] = _order(reply)
    return parts


def differing(theirs: Parts, ours: Parts, slack: int = 0) -> list[str]:
    """The parts that differ. TTLs may by `slack` seconds: they count down in two servers that do not start at once."""
    parts = theirs.keys() | ours.keys()
    return sorted(part for part in parts if not _alike(theirs.get(part, ""), ours.get(part, ""), slack))


def _alike(theirs: str, ours: str, slack: int) -> bool:
    if theirs == ours:
        return True
    if not slack or _TTL.sub("", theirs) != _TTL.sub("", ours):
        return False
    both = zip(_TTL.findall(theirs), _TTL.findall(ours), strict=True)
    return all(abs(int(one) - int(other)) <= slack for one, other in both)


def _opt(reply: dns.message.Message) -> str:
    if reply.edns < 0:
        return "none"
    return f"version {reply.edns} size {reply.payload}{' DO' if reply.ednsflags & dns.flags.DO else ''}"


def _order(reply: dns.message.Message) -> str:
    """Aliases have to stand before what they lead to."""
    owners = [str(rrset.name).lower() for rrset in reply.answer]
    for at, rrset in enumerate(reply.answer):
        if rrset.rdtype == dns.rdatatype.CNAME and str(rrset[0].target).lower() in owners[:at]:
            return "an alias behind its target"
    return "fine"
