"""The cases as values: who is asked what, and what has to come back. The notation stands at the head of cases.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import dns.flags
import dns.message
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import msgspec
import yaml

HERE = Path(__file__).parent
_REVERSE = re.compile(r"rev\(([^)]+)\)")

Raw = Mapping[str, Any]


class Rr(NamedTuple):
    """One record as text, letters kept. The serial of a SOA is `*`."""

    owner: str
    ttl: str
    type: str
    rdata: str


class Setup(msgspec.Struct, frozen=True):
    """One server: the options of its `kubernetes` directive and what stands around it."""

    name: str
    zones: tuple[str, ...]
    local_ips: tuple[str, ...]
    ttl: int = 5
    pods: str = ""
    namespaces: tuple[str, ...] = ()
    namespace_labels: str = ""
    labels: str = ""
    endpoint_pod_names: bool = False
    ignore_empty_service: bool = False
    noendpoints: bool = False
    synced: bool = True
    fallthrough: tuple[str, ...] = ()
    next: str = ""
    stubs: dict[str, str] = {}
    quirks: bool = False

    def directive(self, source: str) -> list[str]:
        """The lines of the `kubernetes` directive."""
        options = {
            "pods": self.pods,
            "namespaces": " ".join(self.namespaces),
            "namespace_labels": self.namespace_labels,
            "labels": self.labels,
            "fallthrough": " ".join(self.fallthrough),
            "ttl": "" if self.ttl == 5 else str(self.ttl),
            "ignore": "empty_service" if self.ignore_empty_service else "",
            "quirks": "coredns" if self.quirks else "",
        }
        lines = [source, *(f"{name} {value}" for name, value in options.items() if value)]
        lines += [flag for flag in ("endpoint_pod_names", "noendpoints") if getattr(self, flag)]
        return [f"kubernetes {' '.join(self.zones)} {{", *(f"    {line}" for line in lines), "}"]

    def zone_of(self, name: str) -> str:
        """The longest zone that holds a name, in the letters of the name."""
        held = [zone for zone in self.zones if f".{name.lower()}".endswith(f".{zone}")]
        return name[-len(max(held, key=len)) :] if held else ""


class Case(msgspec.Struct, frozen=True):
    """One question and the reply that is right; `better` already taken where there is one and it is wanted."""

    id: str
    setup: Setup
    name: str
    type: str
    rcode: str
    sections: dict[str, list[Rr]]
    aa: bool | None
    only: str = ""

    @property
    def needs_own_address(self) -> bool:
        """Whether the answer shows the server's own address, which a laptop does not have."""
        apex = self.name == self.setup.zone_of(self.name)
        return (apex and self.type == "NS") or self.name.lower().startswith("ns.dns.")

    def differences(self, sent: dns.message.Message, got: dns.message.Message) -> list[str]:
        """What is wrong with a reply, in words."""
        found = [f"rcode {got.rcode().name}, not {self.rcode}"] if got.rcode().name != self.rcode else []
        if self.aa is not None and bool(got.flags & dns.flags.AA) is not self.aa:
            found.append(f"AA is not {self.aa}")
        if self.aa and got.flags & dns.flags.RA:
            found.append("RA is set")
        if (got.flags ^ sent.flags) & dns.flags.RD or not got.flags & dns.flags.QR:
            found.append("RD or QR is wrong")
        if [q.to_text() for q in got.question] != [q.to_text() for q in sent.question]:
            found.append("another question came back")
        for short, section in (("an", got.answer), ("au", got.authority), ("ad", got.additional)):
            want, have = sorted(self.sections[short]), sorted(records_of(section))
            if want != have:
                found.append(f"{short}: {have}, not {want}")
        return found + _misplaced(records_of(got.answer))


class Suite(msgspec.Struct, frozen=True):
    fixtures: dict[str, Any]
    upstreams: dict[str, dict[str, Any]]
    cases: tuple[Case, ...]


def load(quirks: bool = False) -> Suite:
    """All cases: those that were replayed, and their siblings; with `quirks` each as CoreDNS answers it."""
    raw = yaml.safe_load((HERE / "cases.yaml").read_text())
    siblings = yaml.safe_load((HERE / "siblings.yaml").read_text())
    setups = {name: _setup(name, raw["configs"], quirks) for name in raw["configs"]}
    cases = tuple(_case(case, setups[case["cfg"]]) for case in [*raw["cases"], *siblings["cases"]])
    return Suite(raw["fixtures"], raw["upstreams"], cases)


def reverse(text: str) -> str:
    """Each `rev(ADDRESS)` as the reverse name it stands for."""
    return _REVERSE.sub(lambda match: dns.reversename.from_address(match[1]).to_text(), text)


def parse(text: str, owner: str, ttl: int) -> Rr:
    """Read `[OWNER.] [TTL] TYPE RDATA`."""
    words = reverse(text).split()
    if words[0].endswith("."):
        owner = words.pop(0)
    seconds = words.pop(0) if words[0].isdigit() else str(ttl)
    rdata = dns.rdata.from_text("IN", words[0], " ".join(words[1:]), relativize=False).to_text()
    return Rr(owner, seconds, words[0], rdata)


def records_of(section: Iterable[Any]) -> list[Rr]:
    """The records of one section of a message, in order."""
    found = []
    for rrset in section:
        for rdata in rrset:
            text = rdata.to_text()
            if rdata.rdtype == dns.rdatatype.SOA:
                words = text.split()
                text = " ".join([*words[:2], "*", *words[3:]])
            found.append(Rr(rrset.name.to_text(), str(rrset.ttl), dns.rdatatype.to_text(rdata.rdtype), text))
    return found


def _setup(name: str, configs: Raw, quirks: bool) -> Setup:
    merged: dict[str, Any] = {}
    at: str | None = name
    while at is not None:
        merged = {**configs[at], **merged}
        at = configs[at].get("base")
    merged.pop("base", None)
    return msgspec.convert({"name": name, "quirks": quirks, **merged}, Setup)


def _case(raw: Raw, setup: Setup) -> Case:
    name, kind = reverse(raw["q"]).rsplit(" ", 1)
    part = raw.get("coredns", raw) if setup.quirks else raw.get("better", raw)
    zone = setup.zone_of(name)
    sections = {s: [_record(text, name, zone, setup.ttl) for text in part.get(s, ())] for s in ("an", "au", "ad")}
    definite = part["rcode"] in ("NOERROR", "NXDOMAIN") or "au" in part
    aa = part.get("aa", raw.get("aa", True if zone and definite else None))
    return Case(raw["id"], setup, name, kind, part["rcode"], sections, aa, raw.get("only", ""))


def _record(text: str, name: str, zone: str, ttl: int) -> Rr:
    if text == "SOA":
        timers = f"7200 1800 86400 {ttl}"
        return Rr(zone, str(min(ttl, 300)), "SOA", f"ns.dns.{zone} hostmaster.{zone} * {timers}")
    return parse(text, name, ttl)


def _misplaced(answer: list[Rr]) -> list[str]:
    for at, record in enumerate(answer):
        if record.type == "CNAME" and any(other.owner.lower() == record.rdata.lower() for other in answer[:at]):
            return [f"the alias to {record.rdata} stands after its target"]
    return []
