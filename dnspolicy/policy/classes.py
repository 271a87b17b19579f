"""How many classes a policy makes of the clients of a cluster, and which of the facts it reads makes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from dnspolicy.model.identity import Identity
from dnspolicy.policy.footprint import EXISTS, Path, client_projector


class Share(msgspec.Struct, frozen=True):
    """What one fact adds: its different values, and the classes there would be if it were not read."""

    fact: Path
    values: int
    without: int


class Classes(msgspec.Struct, frozen=True):
    """Clients that were looked at, their classes, how many are in the largest; facts with most effect first."""

    clients: int
    classes: int
    largest: int
    shares: tuple[Share, ...]


def classes(facts: Iterable[Path], clients: Sequence[Identity]) -> Classes:
    """Sort clients into classes by facts below `client`, as the memo and the decision cache do."""
    wanted = sorted(set(facts))
    sizes: dict[object, int] = {}
    project = client_projector(wanted)
    for client in clients:
        key = project(client)
        sizes[key] = sizes.get(key, 0) + 1
    shares = [
        Share(fact, _count((fact,), clients), _count([f for f in wanted if f != fact], clients)) for fact in wanted
    ]
    ordered = sorted(shares, key=lambda share: (share.without, -share.values, share.fact))
    return Classes(len(clients), len(sizes), max(sizes.values(), default=0), tuple(ordered))


def _count(facts: Iterable[Path], clients: Sequence[Identity]) -> int:
    return len(set(map(client_projector(facts), clients)))


def shown(path: Path, root: str) -> str:
    """A path of a footprint as people write it: `client.labels["app"]`, `client.owner (whether it is there)`."""
    steps = path[:-1] if path[-1:] == (EXISTS,) else path
    text = root + "".join(f".{s}" if s.isidentifier() else f'["{s}"]' for s in steps)
    return f"{text} (whether it is there)" if path[-1:] == (EXISTS,) else text
