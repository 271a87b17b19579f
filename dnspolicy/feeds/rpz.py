"""Response policy zones (draft-vixie-dnsop-dns-rpz) → a document that a policy looks names up in. Pure.

The shape is written down in docs/feeds.md.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from enum import StrEnum
from typing import Any

from dnspolicy.feeds.failures import bad_document
from dnspolicy.feeds.master import Row, absolute, at, rows

MAX_RECORDS = 2_000_000
_IGNORED_AT_APEX = frozenset(("SOA", "NS", "TXT", "DNSKEY", "RRSIG", "NSEC", "NSEC3PARAM", "ZONEMD"))
_SERIAL = re.compile(r"[0-9]{1,10}")
_SIGNATURES = frozenset(("RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "ZONEMD"))


class Action(StrEnum):
    """What a zone asks for; `local` has records of its own."""

    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    PASSTHRU = "passthru"
    DROP = "drop"
    TCP_ONLY = "tcp_only"
    LOCAL = "local"


_TARGETS = {
    "": Action.NXDOMAIN,
    "*": Action.NODATA,
    "rpz-passthru": Action.PASSTHRU,
    "rpz-drop": Action.DROP,
    "rpz-tcp-only": Action.TCP_ONLY,
}
_TRIGGERS = {"rpz-client-ip": "client_ips", "rpz-ip": "response_ips", "rpz-nsip": "nsip", "rpz-nsdname": "nsdname"}
_NOT_ENFORCED = ("nsip", "nsdname")


class _Zone:
    """What was read so far: by table and trigger, an action, or records."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._apex: str | None = None
        self.serial: int | None = None
        self.actions: dict[str, dict[str, Action]] = {
            "names": {},
            "wildcards": {},
            "client_ips": {},
            "response_ips": {},
        }
        self.records: dict[str, dict[str, list[dict[str, Any]]]] = {table: {} for table in self.actions}
        self.skipped: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        if self._apex is None:
            if row.type != "SOA":
                raise at(self._name, row.line, "a zone begins with its SOA record")
            self._apex = row.owner
        if row.owner == self._apex:
            self._at_apex(row)
            return
        below = f".{self._apex}" if self._apex else ""
        if not row.owner.endswith(below):
            raise at(self._name, row.line, f"{row.owner} is outside the zone {self._apex}")
        if row.type in _SIGNATURES:
            return
        trigger = row.owner[: len(row.owner) - len(below)] if below else row.owner
        table, key = self._trigger(trigger, row)
        if table in _NOT_ENFORCED:
            self.skipped[table] += 1
        else:
            self._take(table, key, row)

    def _at_apex(self, row: Row) -> None:
        if row.type not in _IGNORED_AT_APEX:
            raise at(self._name, row.line, f"{row.type} at the apex of the zone")
        if row.type == "SOA":
            if self.serial is not None:
                raise at(self._name, row.line, "a second SOA record")
            if len(row.words) != 7 or not _SERIAL.fullmatch(row.words[2]) or int(row.words[2]) >= 1 << 32:
                raise at(self._name, row.line, "a SOA record takes two names and five numbers")
            self.serial = int(row.words[2])

    def _trigger(self, text: str, row: Row) -> tuple[str, str]:
        """The table and the key of an owner."""
        head, _, last = text.rpartition(".")
        table = _TRIGGERS.get(last or text)
        if table in _NOT_ENFORCED:
            return table, head
        if table is not None:
            return table, self._network(head, row)
        if text == "*":
            return "wildcards", "."
        return ("wildcards", text[2:]) if text.startswith("*.") else ("names", text)

    def _network(self, text: str, row: Row) -> str:
        """`24.0.2.0.192` → `192.0.2.0/24`; with `zz` for `::` in IPv6."""
        prefix, *parts = text.split(".")
        parts.reverse()
        colons = ":".join("" if part == "zz" else part for part in parts)
        if "zz" in parts:
            colons = f"{':' if parts[0] == 'zz' else ''}{colons}{':' if parts[-1] == 'zz' else ''}"
        address = ".".join(parts) if len(parts) == 4 and "zz" not in parts else colons
        try:
            if not prefix.isdecimal():
                raise ValueError(prefix)
            return str(ipaddress.ip_network(f"{address}/{prefix}"))
        except ValueError:
            raise at(self._name, row.line, f"{text!r} is no network such as 24.0.2.0.192") from None

    def _take(self, table: str, key: str, row: Row) -> None:
        action, data = Action.LOCAL, " ".join(row.words)
        if row.type in ("CNAME", "DNAME"):
            if len(row.words) != 1:
                raise at(self._name, row.line, "an alias has one target")
            target = "" if row.words[0] == "." else absolute(row.words[0], row.origin, self._name, row.line)
            if row.type == "CNAME":
                action = _TARGETS.get(target, Action.PASSTHRU if self._is_itself(table, key, target) else Action.LOCAL)
            if action is Action.LOCAL and target.rpartition(".")[2].startswith("rpz-"):
                raise at(self._name, row.line, f"{target} is no action")
            data = target
        elif row.type in ("A", "AAAA"):
            data = self._address(row)
        known = self.actions[table].get(key)
        kept = self.records[table].setdefault(key, []) if action is Action.LOCAL else []
        if known is not None and (known is not action or row.type == "CNAME" or self._has_alias(kept)):
            if known is action and action is not Action.LOCAL:
                return
            raise at(self._name, row.line, f"{key} has another action already")
        self.actions[table][key] = action
        if action is Action.LOCAL:
            kept.append({"type": row.type, "data": data, "ttl": row.ttl})

    def _is_itself(self, table: str, key: str, target: str) -> bool:
        """The old way to write PASSTHRU."""
        return target == (f"*.{key}" if table == "wildcards" else key) and table in ("names", "wildcards")

    def _has_alias(self, records: list[dict[str, Any]]) -> bool:
        return any(record["type"] == "CNAME" for record in records)

    def _address(self, row: Row) -> str:
        kind = ipaddress.IPv4Address if row.type == "A" else ipaddress.IPv6Address
        try:
            (word,) = row.words
            return str(kind(word))
        except ValueError:
            raise at(self._name, row.line, f"{' '.join(row.words)!r} is no address for {row.type}") from None


def read_rpz(raw: bytes, name: str) -> tuple[dict[str, Any], str]:
    """The document of a zone file, and its serial. Raises FeedFailure: `name:line: what is wrong`."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise at(name, raw.count(b"\n", 0, problem.start) + 1, "not UTF-8") from None
    zone = _Zone(name)
    for number, row in enumerate(rows(text, name)):
        if number >= MAX_RECORDS:
            raise at(name, row.line, f"more than {MAX_RECORDS} records")
        zone.add(row)
    if zone.serial is None:
        raise bad_document(f"{name}: no SOA record")
    document = {
        "serial": zone.serial,
        "names": zone.actions["names"],
        "wildcards": zone.actions["wildcards"],
        "client_ips": _networks(zone.actions["client_ips"]),
        "response_ips": _networks(zone.actions["response_ips"]),
        "records": {
            table: {key: found for key, found in kept.items() if found} for table, kept in zone.records.items()
        },
        "not_enforced": {table: zone.skipped[table] for table in _NOT_ENFORCED},
    }
    return document, str(zone.serial)


def _networks(actions: dict[str, Action]) -> dict[str, Any]:
    """Single addresses to look up, and networks to go through, the longest prefix first."""
    hosts, wide = {}, []
    for text, action in actions.items():
        network = ipaddress.ip_network(text)
        if network.prefixlen == network.max_prefixlen:
            hosts[str(network.network_address)] = action
        else:
            wide.append((-network.prefixlen, text, action))
    return {"hosts": hosts, "networks": [{"cidr": text, "action": action} for _, text, action in sorted(wide)]}
