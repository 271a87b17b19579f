from __future__ import annotations

import asyncio
import re

import pytest

from dnspolicy.chain.context import QueryContext
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.loop import Config, Loop
from dnspolicy.plugins.loop.handler import Times
from dnspolicy.plugins.loop.probe import asked_once, invented
from dnspolicy.wire.encode import encode_answer
from dnspolicy.wire.message import decode_query

SHORT = Times(search=5.0, answer=1.0, pause=0.01, echo=0.05)
ZONE = from_text("example.org")


class Server(asyncio.DatagramProtocol):
    """A server with a loop room. It answers NXDOMAIN, or passes every question on to itself `times` times."""

    def __init__(self, circles: bool = False, deaf: int = 0) -> None:
        self.circles = circles
        self.deaf = deaf
        self.passed: list[Query] = []
        self.halted: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()

    async def open(self, times: Times = SHORT) -> Loop:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port: int = self.transport.get_extra_info("sockname")[1]
        self.room = Loop(Config(), zone=ZONE, listen="", port=self.port, halt=self.halted.append, times=times)
        await self.room.start()
        return self.room

    async def close(self) -> None:
        await self.room.stop()
        await asyncio.gather(*self.tasks)
        self.transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.deaf:
            self.deaf -= 1
            return
        task = asyncio.create_task(self.answer(data, addr))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def answer(self, data: bytes, addr: tuple[str, int]) -> None:
        query = decode_query(data, Transport.UDP)
        reply = await self.ask(query, *addr)
        assert isinstance(reply, Answer)
        self.transport.sendto(encode_answer(query, reply, 512), addr)

    async def ask(self, query: Query, source: str, port: int) -> Reply:
        ctx = QueryContext(source, port, 0.0, 5.0, self.forward)
        return await self.room.handle(query, ctx, self.forward)

    async def forward(self, query: Query, ctx: QueryContext) -> Reply:
        self.passed.append(query)
        if self.circles and not self.halted and len(self.passed) < 10:
            await asked_once(query, "127.0.0.1", self.port, 1.0)
        return Answer(int(Rcode.NXDOMAIN))


async def until(happened: object) -> None:
    while not happened():  # noqa: ASYNC110 the test's patience ends it
        await asyncio.sleep(0.01)


def test_a_circle_halts_the_server_at_the_third_visit() -> None:
    async def story() -> Server:
        server = Server(circles=True)
        async with asyncio.timeout(20):
            await server.open()
            await until(lambda: server.halted)
            await server.close()
        return server

    server = asyncio.run(story())
    (reason,) = server.halted
    assert re.fullmatch(
        r"\[FATAL\] plugin/loop: Loop \(127\.0\.0\.1:\d+ -> :\d+\) detected for zone \"example\.org\.\": "
        r"an upstream sends the questions back to this server\. Query: \"HINFO \d+\.\d+\.example\.org\.\"",
        reason,
    )
    names = [query.name for query in server.passed]
    assert len(set(names)) == len(names) == 2
    assert all(query.qtype == Type.HINFO and query.name.under(ZONE) for query in server.passed)


@pytest.mark.parametrize("deaf", [0, 2], ids=["at once", "after two probes without an answer"])
def test_without_a_circle_the_search_ends(deaf: int) -> None:
    times = Times(search=5.0, answer=0.05, pause=0.01, echo=0.05)

    async def story() -> None:
        server = Server(deaf=deaf)
        async with asyncio.timeout(20):
            room = await server.open(times)
            await until(lambda: room._probe is not None)
            await until(lambda: room._probe is None)
            assert len(server.passed) == 1
            assert server.halted == []
            await server.close()

    asyncio.run(story())


def test_who_saw_a_probe_can_do_nothing_with_it_later() -> None:
    async def story() -> None:
        server = Server()
        async with asyncio.timeout(20):
            room = await server.open()
            await until(lambda: room._probe is None and server.passed)
            (seen,) = server.passed
            for _ in range(5):
                await server.ask(seen, "192.0.2.1", 1)
            assert server.halted == []
            await server.close()

    asyncio.run(story())


def test_nobody_else_is_counted() -> None:
    async def story() -> None:
        server = Server()
        async with asyncio.timeout(20):
            await server.open(Times(echo=20.0))
            await until(lambda: server.passed)
            for name in ("example.org", "1.2.example.org", "www.example.org"):
                asked = from_text(name)
                for _ in range(5):
                    await server.ask(Query(asked, int(Type.HINFO), asked), "192.0.2.1", 1)
            (probe,) = server.passed[:1]
            for _ in range(5):
                await server.ask(Query(probe.name, int(Type.A), probe.name), "192.0.2.1", 1)
            assert server.halted == []
            await server.close()

    asyncio.run(story())


def test_a_server_that_never_answers_is_given_up() -> None:
    async def story() -> None:
        room = Loop(
            Config(), zone=ZONE, listen="127.0.0.1", port=9, halt=lambda _: None, times=Times(0.1, 0.02, 0.01, 0.01)
        )
        async with asyncio.timeout(20):
            await room.start()
            await until(lambda: room._probe is None)
            await room.stop()

    asyncio.run(story())


def test_names_are_random_and_in_the_zone() -> None:
    names = {invented(ZONE) for _ in range(100)}
    assert len(names) == 100
    assert all(len(name.labels) == 4 and name.under(ZONE) for name in names)
