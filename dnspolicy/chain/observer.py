"""Those who look at what happened to a query, after the reply left. They change nothing."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from dnspolicy.chain.context import Judgement
from dnspolicy.model.answer import Reply
from dnspolicy.model.identity import NOBODY, Identity
from dnspolicy.model.query import Query


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """One answered (or dropped) query.

    `server` is the label CoreDNS uses (`dns://:53`), `zone` the zone of the server block, `dropped` when no block
    took it, `view` the name of its view. `wall` is the time of arrival (seconds since 1970), `seconds` how long the
    answer took, `size` the reply's bytes (0 when dropped). `original` is the reply before a policy changed it in the
    response phase, else None. `failure` is the text of an error that became SERVFAIL, else empty. `memo`: served from
    finished answers.
    """

    query: Query
    reply: Reply
    source: str
    port: int
    identity: Identity = NOBODY
    judgements: tuple[Judgement, ...] = ()
    original: Reply | None = None
    server_ip: str = ""
    server_port: int = 0
    server: str = ""
    zone: str = ""
    wall: float = 0.0
    seconds: float = 0.0
    size: int = 0
    failure: str = ""
    memo: bool = False
    view: str = ""


@runtime_checkable
class Observer(Protocol):
    """Called on the event loop's thread; must return at once (a few µs) and never raise.

    `every` says that folds are not enough: each query is to be told one by one through `seen`.
    """

    every: bool

    def seen(self, outcome: Outcome) -> None:
        """One query."""
        ...

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        """`count` further queries alike in client address, question and reply, answered from finished answers.

        `first` and `last` are wall times; `seconds` is what all of them took together. `outcome` carries the
        client's own identity; its `port`, `query.id` and times are those of an earlier query and mean nothing here.
        """
        ...
