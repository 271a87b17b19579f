"""Cases that need a whole server: read from whole.yaml, with the addresses that this machine has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.rdata
import msgspec
import yaml

from tests.conformance import suite
from tests.conformance.fixtures import Object, objects
from tests.conformance.suite import Raw, Rr, records_of, reverse

SERVER = "10.244.0.53"
CLIENTS = {
    "a": "10.244.5.1", "b": "10.244.5.2", "ds6": "fd00:244::53", "reused": "10.244.5.9", "node": "192.168.0.11",
    "nobody": "172.31.9.9",
}  # fmt: skip
_TTL = re.compile(r"\d+|\*|<=\d+")


class Places:
    """Where the addresses of the cases are: themselves in a network of one's own, else loopback ones."""

    def __init__(self, loopback: str = "") -> None:
        """`loopback`: an address of which the last part can be changed."""
        net = loopback.rpartition(".")[0]
        known = [SERVER, *(ip for ip in CLIENTS.values() if ":" not in ip)]
        self._moved = {ip: f"{net}.{200 + number}" for number, ip in enumerate(known)} if net else {}
        if net:
            self._moved[CLIENTS["ds6"]] = "::1"
        self.second = "::1" if net else "fd00:53::53"
        """Of the server, for clients over IPv6."""

    def of(self, address: str) -> str:
        return self._moved.get(address, address)

    def text(self, text: str) -> str:
        """A Corefile or a regular expression with its addresses moved."""
        for old, new in self._moved.items():
            text = re.sub(rf"(?<![\d.]){re.escape(old)}(?![\d.])", new, text)
            text = text.replace(re.escape(old), re.escape(new))
        return text

    def objects(self) -> list[Object]:
        """The cluster, its pods where the clients are, and the server where it can be."""
        fixtures = suite.load().fixtures
        pods = [{**pod, "ips": [self.of(ip) for ip in pod["ips"]]} for pod in fixtures["pods"]]
        slices = [
            {**one, "ep": [{**endpoint, "a": self._server(endpoint["a"])} for endpoint in one.get("ep", ())]}
            for one in fixtures["slices"]
        ]
        return objects({**fixtures, "pods": pods, "slices": slices})

    def _server(self, address: str) -> str:
        return self.of(address) if address == SERVER else address


class Whole(msgspec.Struct, frozen=True):
    corefiles: dict[str, str]
    files: dict[str, str]
    upstreams: dict[str, Any]
    cases: tuple[dict[str, Any], ...]


def load() -> Whole:
    """All cases, each with the answer that is wanted of us."""
    raw = yaml.safe_load((suite.HERE / "whole.yaml").read_text())
    cases = [{**case, **case["better"]} if "better" in case else case for case in raw["cases"]]
    for case in cases:
        if "better" in case and "rcode" in case["better"]:
            case.update({section: case["better"].get(section, ()) for section in ("an", "au", "ad")})
    upstreams = {**raw["upstreams"], **suite.load().upstreams}
    return Whole(raw["corefiles"], raw["files"], upstreams, tuple(cases))


def message(case: Raw) -> dns.message.Message:
    """What is sent; `op` makes it odd."""
    name, kind = reverse(case["q"]).rsplit(" ", 1) if case["q"] != "none" else (".", "A")
    sent = dns.message.make_query(name, kind, case.get("qc", "IN"))
    edns = case.get("edns", {})
    if edns != "none" and "op" not in case:
        sent.use_edns(0, payload=edns.get("size", 4096))
    if case.get("op") == "no-question":
        sent.question.clear()
    elif case.get("op") == "opcode-update":
        sent.set_opcode(dns.opcode.UPDATE)
    return sent


def wrong(case: Raw, zones: Iterable[str], ttl: int, sent: dns.message.Message, got: dns.message.Message) -> list[str]:
    """What differs from the case, in words; records without a TTL have `ttl`."""
    rcode = dns.rcode.to_text(got.rcode())
    found = [] if rcode == case["rcode"] else [f"rcode {rcode}, not {case['rcode']}"]
    for flag in ("aa", "ra", "tc"):
        if flag in case and bool(got.flags & dns.flags.Flag[flag.upper()]) is not case[flag]:
            found.append(f"{flag} is not {case[flag]}")
    codes = [int(option.code) for option in got.options if isinstance(option, dns.edns.EDEOption)]
    if "ede" in case and codes != [case["ede"]]:
        found.append(f"extended error {codes}, not {case['ede']}")
    if "max_size" in case and len(got.wire or b"") > case["max_size"]:
        found.append(f"{len(got.wire or b'')} bytes")
    if "an_count" in case and len(got.answer) != case["an_count"]:
        found.append(f"{len(got.answer)} answers")
    if not {"an_count", "max_size", "op"} & case.keys():
        name = str(sent.question[0].name)
        for short, section in (("an", got.answer), ("au", got.authority), ("ad", got.additional)):
            want = [record(text, name, zones, ttl) for text in case.get(short, ())]
            found += _unlike(short, want, records_of(section))
    return found


def record(text: str, name: str, zones: Iterable[str], ttl: int) -> Rr:
    """Read `[OWNER.] [TTL] TYPE RDATA`, or SOA for that of the longest zone."""
    if text == "SOA":
        zone = max((z for z in zones if f".{name.lower()}".endswith(f".{z}")), key=len)
        text = f"{zone} {min(ttl, 300)} SOA ns.dns.{zone} hostmaster.{zone} 0 7200 1800 86400 {ttl}"
    words = reverse(text).split()
    owner = words.pop(0) if words[0].endswith(".") or words[0] == "@" else name
    seconds = words.pop(0) if _TTL.fullmatch(words[0]) else str(ttl)
    rdata = dns.rdata.from_text("IN", words[0], " ".join(words[1:]), relativize=False).to_text()
    if words[0] == "SOA":
        parts = rdata.split()
        rdata = " ".join([*parts[:2], "*", *parts[3:]])
    return Rr(name if owner == "@" else owner, seconds, words[0], rdata)


def _unlike(section: str, want: list[Rr], have: list[Rr]) -> list[str]:
    left = list(have)
    for one in want:
        at = next((n for n, other in enumerate(left) if _is(one, other)), None)
        if at is None:
            return [f"{section}: {have}, not {want}"]
        del left[at]
    return [f"{section} has more: {left}"] if left else []


def _is(want: Rr, have: Rr) -> bool:
    seconds = want.ttl
    right = seconds == "*" or have.ttl == seconds or (seconds[:2] == "<=" and int(have.ttl) <= int(seconds[2:]))
    return right and want._replace(ttl="") == have._replace(ttl="")


def metadata_wanted(case: Raw) -> Mapping[str, str]:
    """The labels that are not empty."""
    return {label: value for label, value in case["md"].items() if value}
