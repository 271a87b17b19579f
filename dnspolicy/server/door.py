"""One listening address: its routes, and the rows of the clients that came to it."""

from __future__ import annotations

from collections.abc import Hashable

from dnspolicy.model.identity import Identity
from dnspolicy.model.query import Transport
from dnspolicy.server.blocks import Routes
from dnspolicy.server.memo import Answers, Row

MAX_ROWS = 65_536


class Door:
    """`ip` and `port` it listens on, for one transport. `label` names the server where no block does.

    `waits` says that a client nobody knows is worth waiting for. `strays`, the observers of the first block, see the
    queries that no block takes.
    """

    def __init__(self, routes: Routes, transport: Transport, ip: str, port: int) -> None:
        self.transport = transport
        self.ip = ip
        self.port = port
        self.rows: dict[str, Row] = {}
        self.lead_to(routes)

    def lead_to(self, routes: Routes) -> None:
        """Answer with other blocks from now on."""
        self.routes = routes
        self.label = routes.blocks[0].label if routes.blocks else f"dns://:{self.port}"
        self.rows.clear()
        self.waits = routes.views_know_clients or any(b.knows_clients for b in routes.blocks)
        self.strays = routes.blocks[0].observers if routes.blocks else ()
        self._place: tuple[Hashable, ...] = (id(routes), self.transport)

    def class_of(self, identity: Identity) -> tuple[Hashable, ...]:
        """What a client shares with those who get the same answers here."""
        return self._place + self.routes.classify(identity)

    def add_row(self, source: str, identity: Identity, answers: Answers) -> Row:
        """A new row for a client address. When a stranger filled the table, it starts anew."""
        if len(self.rows) >= MAX_ROWS:
            self.rows.clear()
        row = self.rows[source] = Row(source, identity, answers)
        return row
