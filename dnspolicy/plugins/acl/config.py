"""The `acl` directive."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional, Rest, Zone
from dnspolicy.model.rr import type_number

Network = IPv4Network | IPv6Network
ALL = "*"
_SECTIONS = ("type", "net")
_MAPPED = IPv6Network("::ffff:0:0/96")


class Action(StrEnum):
    """What becomes of a query."""

    ALLOW = "allow"
    BLOCK = "block"
    FILTER = "filter"
    DROP = "drop"


class Rule(msgspec.Struct, frozen=True):
    """One line. `types` and `networks` are None where all match."""

    action: Action
    types: frozenset[int] | None
    networks: tuple[Network, ...] | None


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`acl [ZONES…] { ACTION [type QTYPE…] [net SOURCE…] … }`."""

    zones: Annotated[tuple[Zone, ...], Positional] = ()
    lines: Annotated[tuple[tuple[str, ...], ...], Rest] = ()

    def __post_init__(self) -> None:
        for line in self.lines:
            rule_of(line)

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(map(rule_of, self.lines))


def rule_of(line: tuple[str, ...]) -> Rule:
    """Read a line, word by word. Raises ValueError quoting the word that is wrong."""
    first, *rest = line
    try:
        action = Action(first.lower())
    except ValueError:
        raise ValueError(f"{first!r} is no action; expected {', '.join(Action)}") from None
    found: dict[str, list[str]] = {}
    for section, words in _sections(rest):
        found.setdefault(section, []).extend(words)
    limited = {section: words for section, words in found.items() if ALL not in words}
    return Rule(
        action,
        frozenset(map(type_number, limited["type"])) if "type" in limited else None,
        tuple(map(_network, limited["net"])) if "net" in limited else None,
    )


def _sections(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """`type` and `net` in lower case, each with its words. Raises ValueError."""
    at = 0
    while at < len(words):
        section = words[at].lower()
        if section not in _SECTIONS:
            raise ValueError(f"{words[at]!r} where type or net is expected")
        end = at + 1
        while end < len(words) and words[end].lower() not in _SECTIONS:
            end += 1
        if end == at + 1:
            raise ValueError(f"nothing follows {words[at]!r}")
        yield section, words[at + 1 : end]
        at = end


def _network(word: str) -> Network:
    try:
        found = ip_network(word, strict=False)
    except ValueError:
        raise ValueError(f"{word!r} is no address or network; expected such as 10.0.0.0/8 or 2001:db8::1") from None
    if isinstance(found, IPv6Network) and found.subnet_of(_MAPPED):
        return IPv4Network((int(found.network_address) & 0xFFFFFFFF, found.prefixlen - _MAPPED.prefixlen))
    return found
