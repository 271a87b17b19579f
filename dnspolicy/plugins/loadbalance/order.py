"""Which address records come first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from random import Random

from dnspolicy.model.rr import Record, Type
from dnspolicy.plugins.loadbalance.config import Network
from dnspolicy.plugins.loadbalance.weights import Weights

Records = tuple[Record, ...]
_ADDRESSES = (int(Type.A), int(Type.AAAA))
_DEFAULT_WEIGHT = 1


def split(records: Records) -> tuple[list[Record], list[Record]]:
    """The address records, and all others with aliases first, so that a stub resolver can follow them in order."""
    addresses = [record for record in records if record.type in _ADDRESSES]
    others = [record for record in records if record.type not in _ADDRESSES]
    return addresses, sorted(others, key=lambda record: record.type != Type.CNAME)


def weights_of(addresses: Sequence[Record], weights: Weights) -> list[int]:
    """The weight of each address under the name it is given for."""
    nothing: dict[bytes, int] = {}
    return [weights.get(r.owner.labels, nothing).get(r.rdata, _DEFAULT_WEIGHT) for r in addresses]


def one_first(addresses: list[Record], weights: list[int], random: Random) -> list[Record]:
    """The addresses with one in front that is chosen by weight; it changes places with the one that stood there."""
    chosen = random.choices(range(len(addresses)), weights)[0]
    out = list(addresses)
    out[0], out[chosen] = out[chosen], out[0]
    return out


def preferred_first(addresses: Sequence[Record], networks: Sequence[Network]) -> list[list[Record]]:
    """The addresses by the first network they are in, those in none last; groups that nothing is in are left out."""
    groups: list[list[Record]] = [[] for _ in range(len(networks) + 1)]
    for record in addresses:
        address = ip_address(record.rdata) if len(record.rdata) in (4, 16) else None
        found = (at for at, network in enumerate(networks) if address is not None and address in network)
        place = next(found, len(networks))
        groups[place].append(record)
    return [group for group in groups if group]
