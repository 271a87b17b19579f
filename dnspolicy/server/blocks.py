"""Server blocks: which chain answers a name."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import msgspec

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.observer import Observer
from dnspolicy.chain.plugin import AskNext
from dnspolicy.model.answer import Answer, EdeCode, ExtendedError, Reply
from dnspolicy.model.identity import Identity
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode
from dnspolicy.wire.message import OUR_SIZE

MAX_DEPTH = 8
"""How often the server may ask itself for one query (alias chains)."""
MAX_ASKED = 128
"""How often in all, where one answer has several aliases and each of theirs has, too."""
Admits = Callable[[Query, QueryContext], bool]
"""Whether a server block takes a query, beyond its zone. Must not raise."""


class View(msgspec.Struct, frozen=True, eq=False):
    """Which queries a server block takes beyond its zone.

    `knows_clients`: it asks for more of a client than its address; `missing` says what of that is not loaded yet.
    `fleeting`: it looks at what differs between two
    queries that are otherwise alike, such as the id, so no answer may be kept.
    """

    name: str
    admits: Admits
    knows_clients: bool = False
    fleeting: bool = False
    missing: Callable[[], tuple[str, ...]] = tuple


class Block(msgspec.Struct, frozen=True, eq=False):
    """One zone of one server block, ready to answer.

    `label` is what metrics and records call the server, such as `dns://:53`. `knows_clients`: its policy wants to know
    who asks, so an unknown client is worth a short wait. `udp_size`: the most bytes of a reply over UDP. `chaos`: it
    takes questions of class CH too.
    """

    zone: Name
    label: str
    ask: AskNext
    observers: tuple[Observer, ...]
    knows_clients: bool = False
    udp_size: int = OUR_SIZE
    chaos: bool = False
    view: View | None = None

    @property
    def zone_text(self) -> str:
        return self.zone.dotted

    @property
    def view_name(self) -> str:
        return self.view.name if self.view is not None else ""


async def _not_ready(query: Query, ctx: QueryContext) -> Reply:
    """Instead of taking a client for another one, whose server block has other policies."""
    return Answer(Rcode.SERVFAIL, ede=(ExtendedError(EdeCode.NOT_READY, "the cluster is not loaded yet"),))


Classify = Callable[[Identity], tuple[Hashable, ...]]


class Routes:
    """The blocks that share one listening address; the longest zone wins (RFC 1034 4.3.2).

    Of blocks with one zone the first that admits the query is taken; if none does, the next shorter zone is tried.
    """

    def __init__(self, blocks: tuple[Block, ...], classify: Classify) -> None:
        self.blocks = blocks
        self.classify = classify
        self._by_zone: dict[tuple[bytes, ...], tuple[Block, ...]] = {}
        for block in blocks:
            self._by_zone[block.zone.labels] = (*self._by_zone.get(block.zone.labels, ()), block)
        self._sizes = sorted({len(z) for z in self._by_zone}, reverse=True)
        observers = {id(o): o for b in blocks for o in b.observers}
        views = [b.view for b in blocks if b.view is not None]
        self.every = any(o.every for o in observers.values())
        self.fleeting = any(view.fleeting for view in views)
        self.views_know_clients = any(view.knows_clients for view in views)

    def find(self, query: Query, ctx: QueryContext) -> Block | None:
        """The block that takes a query; one that cannot tell yet whether it does answers that it is not ready."""
        labels = query.name.labels
        count = len(labels)
        for size in self._sizes:
            if size <= count:
                for block in self._by_zone.get(labels[count - size :], ()):
                    view = block.view
                    if view is not None and view.knows_clients and view.missing():
                        return msgspec.structs.replace(block, ask=_not_ready)
                    if view is None or view.admits(query, ctx):
                        return block
        return None

    async def resolve(self, query: Query, ctx: QueryContext) -> Reply:
        """Ask all of these blocks again on behalf of a query, also when they have been replaced since it came."""
        if ctx.depth >= MAX_DEPTH or ctx.asked >= MAX_ASKED:
            return failed(EdeCode.OTHER, "too many aliases")
        block = self.find(query, ctx)
        if block is None:
            return Answer(Rcode.REFUSED)
        ctx.depth += 1
        ctx.asked += 1
        try:
            return await block.ask(query, ctx)
        finally:
            ctx.depth -= 1


def failed(code: int, text: str) -> Answer:
    """SERVFAIL that says why (RFC 8914)."""
    return Answer(Rcode.SERVFAIL, ede=(ExtendedError(code, text),), made_by="server")
