"""Lines of a hosts file (hosts(5)): an address and the names that have it."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

import msgspec

from dnspolicy.model.name import Name, from_text


class Host(msgspec.Struct, frozen=True, gc=False):
    """One name with one address (4 or 16 bytes). `*` as the first label stands for any one label."""

    name: Name
    address: bytes


class Content(msgspec.Struct, frozen=True):
    """What a text says. `problems` are `line N: …` of lines left out."""

    hosts: tuple[Host, ...] = ()
    problems: tuple[str, ...] = ()


def read_text(text: str) -> Content:
    """Read a hosts file. Lines that are none are left out and named."""
    hosts: list[Host] = []
    problems: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            hosts += hosts_of(words[0], words[1:])
        except ValueError as problem:
            problems.append(f"line {number}: {problem}")
    return Content(tuple(hosts), tuple(problems))


def hosts_of(address: str, names: Iterable[str]) -> tuple[Host, ...]:
    """The hosts of one line. A zone index (`%eth0`) is dropped; an IPv4-mapped address is IPv4. Raises ValueError."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        raise ValueError(f"{address!r} is not an IP address") from None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    found = tuple(Host(_lower(name), parsed.packed) for name in names)
    if not found:
        raise ValueError(f"{address!r} has no name")
    return found


def _lower(text: str) -> Name:
    name = from_text(text)
    if not name.labels:
        raise ValueError(f"{text!r} is not a name of a host")
    return Name(name.key, name.labels)
