"""The addresses of this machine, and where server blocks listen."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

import msgspec
import psutil

from dnspolicy.corefile.builtin import BindConfig
from dnspolicy.model.errors import ConfigError

ANY = ("0.0.0.0", "::")


class Interface(msgspec.Struct, frozen=True):
    """One network interface and its addresses (canonical text, without link-local IPv6)."""

    name: str
    addresses: tuple[str, ...]


def interfaces() -> tuple[Interface, ...]:
    """What this machine has now."""
    found = []
    for name, addresses in psutil.net_if_addrs().items():
        texts = (a.address for a in addresses if a.family in (socket.AF_INET, socket.AF_INET6))
        found.append(Interface(name, tuple(t for t in texts if "%" not in t and not t.startswith("fe80:"))))
    return tuple(found)


def listen_on(bind: BindConfig | None, machine: Iterable[Interface]) -> tuple[str, ...]:
    """Where a server block listens: what `bind` says, else everywhere.

    Everywhere is each address of the machine, so that replies need no look-up of where they leave from, and the
    wildcard addresses for those that come later. Raises ConfigError for a word that is neither address nor interface.
    """
    known = tuple(machine)
    if bind is None:
        every = tuple(a for i in known for a in i.addresses)
        return tuple(dict.fromkeys(every + (ANY if _has_ipv6() else ANY[:1])))
    wanted = [a for word in bind.addresses for a in _resolve(word, known)]
    without = {a for word in bind.except_ for a in _resolve(word, known)}
    return tuple(dict.fromkeys(a for a in wanted if a not in without))


def server_label(host: str, port: int) -> str:
    """How metrics, logs and records name a server: `dns://:53`, or with the address that `bind` gave it."""
    return f"dns://[{host}]:{port}" if ":" in host else f"dns://{host}:{port}"


def own_addresses(listens: Iterable[str], machine: Iterable[Interface]) -> tuple[str, ...]:
    """The addresses that clients can reach the server at, loopback only when it listens nowhere else."""
    held = [a for i in machine for a in i.addresses]
    bound = [a for a in listens if a not in ANY] or held
    outside = [a for a in bound if not ipaddress.ip_address(a).is_loopback]
    return tuple(dict.fromkeys(outside or bound))


def _resolve(word: str, machine: tuple[Interface, ...]) -> tuple[str, ...]:
    for interface in machine:
        if interface.name == word:
            return interface.addresses
    try:
        return (str(ipaddress.ip_address(word)),)
    except ValueError:
        names = ", ".join(i.name for i in machine)
        raise ConfigError(f"bind {word}: expected an IP address or one of the interfaces {names}") from None


def _has_ipv6() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True
