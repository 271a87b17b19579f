"""One forward room between a test and its upstreams."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path

import uvloop

from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Counter, Gauge, Metrics
from dnspolicy.corefile.schema import Zone
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Type
from dnspolicy.plugins.forward import Config, Forward, Forwarder
from dnspolicy.testing.upstream import Script, record
from dnspolicy.wire.rdata import addresses_in

WWW = Script(answer=(record("www.lab.test", "A", "198.51.100.10"),))
CLOCK = SystemClock()
SHORT = 0.4
"""Seconds for questions that nobody answers."""


_labs: ContextVar[list[Lab]] = ContextVar("labs")
"""Those of the story that runs; they are closed at its end."""


class Lab:
    """One forward room, its metrics, and who comes behind it."""

    def __init__(
        self, *to: str, metrics: Metrics | None = None, most_sockets: int | None = None, last: bool = True,
        folder: Path | None = None, **options: object,
    ) -> None:  # fmt: skip
        self.metrics = metrics or Metrics()
        self.forwarder = Forwarder(
            clock=CLOCK, metrics=self.metrics, chance=random.Random(1), most_sockets=most_sockets
        )  # fmt: skip
        config = Config(from_=Zone("."), to=to, **options)  # type: ignore[arg-type]
        self.room = Forward(config, forwarder=self.forwarder, clock=CLOCK, last=last, folder=folder)
        self.behind: list[Query] = []
        _labs.get([]).append(self)

    async def ask(self, name: str = "www.lab.test", seconds: float = 5.0, **fields: object) -> Answer:
        asked = from_text(name)
        query = Query(asked, int(fields.pop("qtype", Type.A)), asked, **fields)  # type: ignore[arg-type,call-overload]
        reply = await self.room.handle(query, self.context(seconds), self.next)
        assert isinstance(reply, Answer)
        return reply

    def context(self, seconds: float = 5.0) -> QueryContext:
        now = CLOCK.monotonic()
        return QueryContext("192.0.2.99", 1, now, now + seconds, self.next)

    async def next(self, query: Query, _: QueryContext) -> Reply:
        self.behind.append(query)
        return Answer(made_by="behind")

    def value(self, name: str, *labels: str) -> float:
        found = next(m for m in self.metrics.collect() if m.name == name)
        assert isinstance(found, Counter | Gauge)
        return found.values.get(labels, 0.0) if labels else sum(found.values.values())


def addresses(answer: Answer) -> list[str]:
    return [a for r in answer.answer for a in addresses_in(r)]


def run_on_both_loops(story: Callable[[], Awaitable[None]]) -> None:
    """On the event loop that serves, and on that of the library, which tests and other commands use."""
    run(story, uvloop.new_event_loop)
    run(story)


def run(
    story: Callable[[], Awaitable[None]],
    loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> None:
    async def bounded() -> None:
        labs: list[Lab] = []
        _labs.set(labs)
        try:
            async with asyncio.timeout(30):
                await story()
        finally:
            for lab in labs:
                lab.forwarder.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(bounded())


def closed_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> str:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{sock.getsockname()[1]}"


async def until(what: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that takes the event loop a moment. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 what it waits for has no event
            await asyncio.sleep(0.01)
