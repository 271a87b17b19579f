"""What a reply has to be, and how it differs."""

from __future__ import annotations

from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import msgspec


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is not said must not be there: no records, no SOA, no extended error.

    `answers` are `TYPE DATA` under the name that was asked, or `OWNER. TYPE DATA`; `in_order` when their order counts.
    `soa` is the zone of the SOA in the authority section, `ede` the info-code and the beginning of its text, `ttl` what
    no TTL may exceed.
    """

    rcode: str = "NOERROR"
    answers: str | list[str] = []
    in_order: bool = False
    additional: str | list[str] = []
    soa: str = ""
    ede: str = ""
    ttl: int | None = None
    aa: bool | None = None
    tc: bool = False
    silence: bool = False


def listed(said: str | list[str]) -> list[str]:
    """One thing or several."""
    return [said] if isinstance(said, str) else said


def differences(reply: dns.message.Message | None, wanted: Expected) -> list[str]:
    """What is wrong with a reply, in words."""
    if reply is None or wanted.silence:
        return [] if reply is None and wanted.silence else ["silence" if reply is None else f"an answer: {reply}"]
    name = reply.question[0].name.to_text()
    found = [_differ("rcode", dns.rcode.to_text(reply.rcode()), wanted.rcode)]
    answers, want = _records(reply.answer, name), [_full(text, name) for text in listed(wanted.answers)]
    found.append(
        _differ("answers", answers, want) if wanted.in_order else _differ("answers", sorted(answers), sorted(want))
    )
    extra = [_full(text, name) for text in listed(wanted.additional)]
    found.append(_differ("additional", sorted(_records(reply.additional, name)), sorted(extra)))
    authority = [f"{rrset.name.to_text()} {dns.rdatatype.to_text(rrset.rdtype)}" for rrset in reply.authority]
    authority = [text.lower() if wanted.soa else text for text in authority]
    found.append(_differ("authority", authority, [f"{_absolute(wanted.soa)} soa"] if wanted.soa else []))
    found.append(_ede(reply, wanted.ede))
    found.append(_differ("TC", bool(reply.flags & dns.flags.TC), wanted.tc))
    if wanted.aa is not None:
        found.append(_differ("AA", bool(reply.flags & dns.flags.AA), wanted.aa))
    if wanted.ttl is not None:
        above = [rrset.ttl for rrset in reply.answer + reply.authority if rrset.ttl > wanted.ttl]
        found.append(f"TTLs above {wanted.ttl}: {above}" if above else "")
    return [text for text in found if text]


def shape(reply: dns.message.Message | None) -> object:
    """All of a reply but what names the question; alike for questions that must not be told apart."""
    if reply is None:
        return None
    sections = [[_without_serial(rrset.to_text()) for rrset in s] for s in (reply.answer, reply.authority)]
    options = [option.to_text() for option in reply.options]
    return reply.flags, reply.rcode(), sections, options


def _without_serial(text: str) -> str:
    owner, ttl, _, kind, *words = text.split()
    if kind == "SOA":
        words[2] = "*"
    return " ".join((owner, ttl, kind, *words))


def _differ(what: str, got: object, want: object) -> str:
    return "" if got == want else f"{what}: {got}, not {want}"


def _records(section: list[Any], name: str) -> list[str]:
    return [f"{rrset.name.to_text()} {dns.rdatatype.to_text(rrset.rdtype)} {rrset[0].to_text()}" for rrset in section]


def _full(text: str, name: str) -> str:
    return text if text.split()[0].endswith(".") else f"{name} {text}"


def _absolute(zone: str) -> str:
    return zone if zone.endswith(".") else f"{zone}."


def _ede(reply: dns.message.Message, wanted: str) -> str:
    found = [o for o in reply.options if isinstance(o, dns.edns.EDEOption)]
    shown = [f"{int(o.code)} {o.text or ''}".strip() for o in found]
    if not wanted:
        return _differ("extended error", shown, [])
    return "" if len(shown) == 1 and shown[0].startswith(wanted) else f"extended error: {shown}, not {wanted!r}…"
