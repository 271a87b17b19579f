"""Zones as the Corefile writes them: names, and networks in CIDR notation as their reverse zones."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

from dnspolicy.model.errors import BadName
from dnspolicy.model.name import Name, from_text

_NETWORK = re.compile(r"[0-9a-fA-F.:]+/\d{1,3}")
_PLAIN = re.compile(r"[A-Za-z0-9_.*/\\-]*")
_REVERSE_SUFFIX = {4: "in-addr.arpa", 6: "ip6.arpa"}


def zones(text: str) -> tuple[Name, ...]:
    """The zones that `text` stands for: one name, or for a network all reverse zones that cover it exactly.

    Networks are split at octets (IPv4) or nibbles (IPv6): `10.0.0.0/17` is 128 zones of /24. Host bits are ignored, as
    in CoreDNS. Raises BadName, whose text is the reason alone.
    """
    if _NETWORK.fullmatch(text):
        try:
            return reverse_zones(ip_network(text, strict=False))
        except ValueError:
            raise BadName("not a network") from None
    if not _PLAIN.fullmatch(text):
        odd = next(c for c in text if not _PLAIN.fullmatch(c))
        raise BadName(f"{odd!r} does not belong into a zone")
    try:
        name = from_text(text)
    except BadName as problem:
        raise BadName(str(problem).removeprefix(f"{text!r}: ")) from None
    return (Name(name.key, name.labels),)


def reverse_zones(network: IPv4Network | IPv6Network) -> tuple[Name, ...]:
    """The reverse zones of a network (RFC 1035 3.5, RFC 3596 2.5), widened to whole labels."""
    bits = 8 if network.version == 4 else 4
    prefix = -(-network.prefixlen // bits) * bits
    labels = prefix // bits
    suffix = _REVERSE_SUFFIX[network.version]
    parts = network.subnets(new_prefix=prefix)
    return tuple(from_text(".".join([*_reversed(part, labels), suffix])) for part in parts)


def _reversed(network: IPv4Network | IPv6Network, count: int) -> list[str]:
    address = network.network_address
    parts = str(address).split(".") if network.version == 4 else list(address.exploded.replace(":", ""))
    return parts[:count][::-1]
