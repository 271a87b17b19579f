"""Server blocks: which chain answers a name."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import msgspec

from dnspolicy.chain.observer import Observer
from dnspolicy.chain.plugin import AskNext
from dnspolicy.model.identity import Identity
from dnspolicy.model.name import Name


class Block(msgspec.Struct, frozen=True, eq=False):
    """One zone of one server block, ready to answer.

    `label` is what metrics and records call the server, such as `dns://:53`. `knows_clients`: its policy wants to know
    who asks, so an unknown client is worth a short wait.
    """

    zone: Name
    label: str
    ask: AskNext
    observers: tuple[Observer, ...]
    knows_clients: bool = False

    @property
    def zone_text(self) -> str:
        return f"{self.zone}." if self.zone.labels else "."


Classify = Callable[[Identity], tuple[Hashable, ...]]


class Routes:
    """The blocks that share one listening address; the longest zone wins (RFC 1034 4.3.2)."""

    def __init__(self, blocks: tuple[Block, ...], classify: Classify) -> None:
        self.blocks = blocks
        self.classify = classify
        self._by_zone = {b.zone.labels: b for b in blocks}
        self._sizes = sorted({len(z) for z in self._by_zone}, reverse=True)
        observers = {id(o): o for b in blocks for o in b.observers}
        self.every = any(o.every for o in observers.values())

    def find(self, name: Name) -> Block | None:
        labels = name.labels
        count = len(labels)
        for size in self._sizes:
            if size <= count:
                found = self._by_zone.get(labels[count - size :])
                if found is not None:
                    return found
        return None
