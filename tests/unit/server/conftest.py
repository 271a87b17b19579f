"""A server on loopback with one room whose answers a test chooses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import dns.message
import pytest

from dnspolicy.chain.build import build
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.chain.plugin import AskNext
from dnspolicy.cluster.index import Index
from dnspolicy.model.answer import STABLE, Answer, Reply
from dnspolicy.model.name import ROOT, Name
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Record, Type
from dnspolicy.server.blocks import Block, Routes
from dnspolicy.server.front import Front
from dnspolicy.server.listeners import Listen
from dnspolicy.server.memo import Memo
from dnspolicy.server.repeats import Repeats
from dnspolicy.server.server import Server
from dnspolicy.server.stepping import Stepper
from tests.e2e.process import free_port

Answerer = Callable[[Query, QueryContext], Awaitable[Reply]]


class OneRoom:
    """Answers with `answer`, and counts how often it was asked."""

    name = "hosts"
    reads: frozenset[tuple[str, ...]] = frozenset()

    def __init__(self, answer: Answerer) -> None:
        self._answer = answer
        self.asked = 0

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        self.asked += 1
        return await self._answer(query, ctx)


class Watcher:
    """Keeps what it was told."""

    def __init__(self, every: bool = False) -> None:
        self.every = every
        self.outcomes: list[Outcome] = []
        self.folds: list[tuple[Outcome, int]] = []

    def seen(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        self.folds.append((outcome, count))


class Bench:
    """A running server and ways to ask it."""

    def __init__(
        self,
        answer: Answerer,
        *,
        zone: Name = ROOT,
        watcher: Watcher | None = None,
        ip: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.room = OneRoom(answer)
        self.watcher = watcher or Watcher()
        self.metrics = Metrics()
        clock = SystemClock()
        self.index = Index(clock, self.metrics, ())
        self.memo = Memo(10_000, lambda: self.index.serial, self.metrics)
        self.repeats = Repeats()
        self.stepper = Stepper(asyncio.get_running_loop(), 1000)
        self.front = Front(
            view=self.index,
            memo=self.memo,
            repeats=self.repeats,
            stepper=self.stepper,
            clock=clock,
            metrics=self.metrics,
        )
        block = Block(zone, "dns://:53", build([self.room]), (self.watcher,))
        self.ip, self.port = ip, port or free_port(ip)
        self.listens = [Listen(ip, self.port, Routes((block,), lambda identity: ()))]
        self.server = Server(
            front=self.front, memo=self.memo, repeats=self.repeats, stepper=self.stepper, clock=clock,
            metrics=self.metrics, fold=60.0,
        )  # fmt: skip

    async def __aenter__(self) -> Bench:
        self.server.bind(self.listens)
        await self.server.start()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.server.stop()

    async def udp(self, wire: bytes, source: str = "127.0.0.1", to: str = "") -> bytes | None:
        """One datagram and its reply; None when none comes within a moment."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind((source, 0))
            sock.connect((to or ("127.0.0.1" if self.ip == "0.0.0.0" else self.ip), self.port))
            sock.send(wire)
            future = loop.create_future()
            loop.add_reader(sock, lambda: future.done() or future.set_result(sock.recv(65535)))
            done, _ = await asyncio.wait([future], timeout=1.0)
            loop.remove_reader(sock)
            return future.result() if done else None

    async def ask(self, name: str, rdtype: str = "A", source: str = "127.0.0.1") -> dns.message.Message:
        reply = await self.udp(dns.message.make_query(name, rdtype).to_wire(), source)
        assert reply is not None
        return dns.message.from_wire(reply)

    async def tcp(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.ip, self.port)


async def one_address(query: Query, ctx: QueryContext) -> Reply:
    return Answer(answer=(Record(query.name, Type.A, 5, b"\x0a\0\0\1"),), aa=True, fresh=STABLE)


@pytest.fixture
def bench() -> type[Bench]:
    return Bench
