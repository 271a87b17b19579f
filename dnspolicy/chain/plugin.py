"""What a room of the chain is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

from dnspolicy.chain.context import QueryContext
from dnspolicy.model.answer import Answer, Dependencies, Reply
from dnspolicy.model.query import Query

AskNext = Callable[[Query, QueryContext], Awaitable[Reply]]
"""The rest of the chain."""

ClientFact = tuple[str, ...]
"""Path of a client fact in the policy input, below `client`: `("namespace",)`, `("labels", "app")`, `("ip",)`.

Beside them `("family",)`: whether the address is an IPv6 one.
"""

NO_FACTS: frozenset[ClientFact] = frozenset()


@runtime_checkable
class Plugin(Protocol):
    """One room. It answers, drops, or asks the next one; it never mutates a query or an answer.

    `reads` names the client facts that can make its answers differ between clients: two clients alike in all facts
    that rooms and policy read share finished answers. A room below the cache says so in the answer too
    (`Answer.private`), as the cache knows no clients.

    `handle` may run outside a task: it may await futures and tasks, but must not use `asyncio.timeout`, `wait_for` or
    `current_task`. It must not wait without a limit: `ctx.deadline` is the budget.
    """

    name: str
    reads: frozenset[ClientFact]

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply: ...


Concerns = Callable[[Query], bool]


@runtime_checkable
class Selective(Protocol):
    """A room that can tell from the query alone that it has no part in it: then `handle` is not called."""

    @property
    def concerns(self) -> Concerns | None:
        """Whether `handle` may do more than give back what the next room says; None when only `handle` can tell.

        Asked once for each query that comes by, so it may count them, but does nothing else. It is exact at any time,
        also while the room's data change.
        """
        ...


Finish = Callable[[Answer], Answer]


@runtime_checkable
class Finishing(Protocol):
    """A room that has a part in answers only. Neighbours of this kind are passed in one go, without `handle`."""

    @property
    def finish(self) -> Finish | None:
        """What `handle` does to an answer that is no zone transfer; None when it does more than that."""
        ...


@runtime_checkable
class Startable(Protocol):
    """A room with work of its own in the background."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@runtime_checkable
class Readiness(Protocol):
    """A room that may not be ready to serve yet."""

    name: str

    def not_ready(self) -> str | None:
        """Why it is not ready, in a few words; None when it is."""
        ...


@runtime_checkable
class Drains(Protocol):
    """A room that wants to know that the server is about to stop, while everything still answers."""

    async def drain(self) -> None:
        """Say so to those who ask (ready), or hold the stop up for a while (health). Called before any `stop`."""
        ...


Changed = Callable[[Dependencies], None]
"""Called with the dependencies that moved (see `model.answer.Rests`)."""
