"""Questions, the same ones in every run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import dns.edns
import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype
import msgspec

from tests.differential import names
from tests.differential.world import Fixtures

_USUAL = ("A", "AAAA", "SRV")
_OTHER = (
    "PTR",
    "CNAME",
    "TXT",
    "NS",
    "SOA",
    "ANY",
    "MX",
    "HTTPS",
    "CAA",
    "DS",
    "NAPTR",
    "TYPE65280",
    "DNSKEY",
    "HINFO",
)
_OPTIONS = ((65001, b"unknown"), (65001, b"unknown"), (3, b""), (10, b"8 bytes."), (12, bytes(20)))
"""Of no meaning, NSID, COOKIE, PADDING."""
_SIZES = (512, 1232, 4096, 0, 65535)

_ALWAYS = (
    ("Cluster.Local.", "NS"), ("cluster.local.", "NS"), ("cluster.local.", "SOA"), ("NS.dns.Cluster.Local.", "A"),
    ("ns.dns.cluster.local.", "A"), ("ns.dns.cluster.local.", "AAAA"), ("dns-version.cluster.local.", "TXT"),
    ("Ext-NS.shop.svc.Cluster.Local.", "A"), ("crowd.bank.svc.cluster.local.", "A"),
    ("crowd.bank.svc.cluster.local.", "SRV"), ("web.shop.svc.cluster.local.", "SRV"), ("cluster.local.", "AXFR"),
    ("ext-tc.bank.svc.cluster.local.", "A"),
)  # fmt: skip
"""Rare ones that have answers of their own."""


class Edns(msgspec.Struct, frozen=True):
    """`options` are codes and data."""

    size: int = 1232
    do: bool = False
    version: int = 0
    options: tuple[tuple[int, bytes], ...] = ()


class Question(msgspec.Struct, frozen=True):
    """One message to send."""

    name: str
    type: str
    qclass: str = "IN"
    edns: Edns | None = Edns()
    tcp: bool = False
    flags: int = int(dns.flags.RD)

    def message(self, number: int) -> dns.message.Message:
        found = dns.message.QueryMessage(id=number)
        found.flags = dns.flags.Flag(self.flags)
        rdtype, rdclass = dns.rdatatype.from_text(self.type), dns.rdataclass.from_text(self.qclass)
        found.find_rrset(found.question, dns.name.from_text(self.name), rdclass, rdtype, create=True, force_unique=True)
        if self.edns is not None:
            options: list[dns.edns.Option] = [
                dns.edns.GenericOption(dns.edns.OptionType.make(code), data) for code, data in self.edns.options
            ]
            found.use_edns(self.edns.version, dns.flags.DO if self.edns.do else 0, self.edns.size, options=options)
        return found

    def __str__(self) -> str:
        flags = dns.flags.to_text(dns.flags.Flag(self.flags)) or "no flags"
        edns = "no EDNS" if self.edns is None else f"{self.edns}"
        return f"{self.name} {self.qclass} {self.type} ({'TCP' if self.tcp else 'UDP'}, {flags}, {edns})"


def made(fixtures: Fixtures, count: int, seed: int) -> list[Question]:
    """So many, a bit more than half of them for names that exist."""
    chance = random.Random(seed)
    known = [*names.existing(fixtures), *names.OUTSIDE]
    source = _names(known, chance)
    rare = [Question(name, kind, edns=edns) for name, kind in _ALWAYS for edns in (None, Edns(65535))]
    return [*rare, *(_asked(next(source), chance) for _ in range(count - len(rare)))]


def _names(known: list[str], chance: random.Random) -> Iterator[str]:
    """Each name that exists comes before any comes a second time."""
    while True:
        for name in chance.sample(known, len(known)):
            yield name
            other = chance.choice(known)
            changed: Callable[[str, random.Random], str] = names.searched if chance.random() < 0.2 else names.near
            if chance.random() < 0.8:
                yield changed(other, chance)


def _asked(name: str, chance: random.Random) -> Question:
    kind = chance.choice(_USUAL) if chance.random() < 0.6 else chance.choice(_OTHER)
    if name.endswith("arpa.") and chance.random() < 0.7:
        kind = "PTR"
    qclass = "CH" if chance.random() < 0.01 else "IN"
    tcp = chance.random() < 0.15
    return Question(_cased(name, chance), kind, qclass, _edns(chance), tcp, _flags(chance))


def _cased(name: str, chance: random.Random) -> str:
    if chance.random() < 0.8 or "\\" in name:
        return name
    return "".join(chance.choice((c.upper(), c.lower())) for c in name)


def _edns(chance: random.Random) -> Edns | None:
    draw = chance.random()
    if draw < 0.3:
        return None
    if draw < 0.6:
        return Edns()
    if draw < 0.62:
        return Edns(version=1)
    options = (chance.choice(_OPTIONS),) if chance.random() < 0.2 else ()
    return Edns(chance.choice(_SIZES), chance.random() < 0.3, 0, options)


def _flags(chance: random.Random) -> int:
    flags = 0 if chance.random() < 0.05 else int(dns.flags.RD)
    for flag in (dns.flags.AD, dns.flags.CD):
        if chance.random() < 0.1:
            flags |= int(flag)
    return flags
