"""Decision points that authors write in Python: what is beside their decisions is right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc

from dnspolicy.engines.grpc.decider import BATCHES, add_decider
from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import CHECK, CHECK_BATCH, GET_INFO, SERVICE, STREAM_CHECK, WATCH
from tests.unit.engines.points import PATIENCE

ALLOW = pb.CheckResponse(allow=pb.Allow(), rule="r", reason="all the same")
WRONG, SLOW, LONG = "wrong.example", "slow.example", "long.example"
LENGTH = 65_536
"""Bytes of an answer about `LONG`: as many as HTTP/2 takes of a stream that nobody reads."""


class Author:
    """Gives one and the same response to all, but a long one to `LONG`.

    Fails for `WRONG`, and waits at `SLOW` until `released`. `asked` counts questions.
    """

    def __init__(self) -> None:
        self.revision = "one"
        self.asked = 0
        self.released = asyncio.Event()

    def info(self) -> pb.GetInfoResponse:
        return pb.GetInfoResponse(engine="an author's", revision=self.revision, timeless=True)

    async def check(self, request: pb.CheckRequest) -> pb.CheckResponse:
        self.asked += 1
        if request.query.name == LONG:
            return pb.CheckResponse(allow=pb.Allow(), reason="x" * LENGTH)
        if request.query.name == WRONG:
            raise KeyError(WRONG)
        if request.query.name == SLOW:
            await self.released.wait()
        return ALLOW


def asked(*names: str) -> pb.CheckBatchRequest:
    """Questions with ids from 1."""
    return pb.CheckBatchRequest(
        requests=[pb.CheckRequest(request_id=id, query=pb.Query(name=name)) for id, name in enumerate(names, 1)]
    )


def told(batch: pb.CheckBatchResponse) -> list[tuple[int, str | None, str]]:
    return [(answer.request_id, answer.WhichOneof("result"), answer.revision) for answer in batch.responses]


@asynccontextmanager
async def served(author: Author) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    await add_decider(author, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with asyncio.timeout(PATIENCE), grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)


def stream_of(channel: grpc.aio.Channel) -> Any:
    return channel.stream_stream(
        STREAM_CHECK, pb.CheckBatchRequest.SerializeToString, pb.CheckBatchResponse.FromString
    )()


def test_one_question() -> None:
    async def work() -> None:
        async with served(Author()) as channel:
            raw = await channel.unary_unary(CHECK)(asked("a.example").requests[0].SerializeToString())
        assert told(pb.CheckBatchResponse(responses=[pb.CheckResponse.FromString(raw)])) == [(1, "allow", "one")]

    uvloop.run(work())


@pytest.mark.parametrize("streamed", [False, True], ids=["batch", "stream"])
def test_what_cannot_be_decided_is_an_error_and_the_rest_is_decided(streamed: bool) -> None:
    batch = asked("a.example", WRONG, "b.example")

    async def work() -> None:
        async with served(Author()) as channel:
            if streamed:
                stream = stream_of(channel)
                await stream.write(batch)
                found = await stream.read()
            else:
                raw = await channel.unary_unary(CHECK_BATCH)(batch.SerializeToString())
                found = pb.CheckBatchResponse.FromString(raw)
        assert told(found) == [(1, "allow", "one"), (2, "error", "one"), (3, "allow", "one")]

    uvloop.run(work())


def test_a_slow_decision_holds_up_no_later_batch() -> None:
    async def work() -> None:
        author = Author()
        async with served(author) as channel:
            stream = stream_of(channel)
            await stream.write(asked(SLOW))
            await stream.write(asked("a.example", "b.example"))
            assert len((await stream.read()).responses) == 2
            author.released.set()
            assert len((await stream.read()).responses) == 1
            await stream.done_writing()
            assert await stream.read() is grpc.aio.EOF

    uvloop.run(work())


def test_a_client_that_does_not_read_is_read_from_no_more() -> None:
    """Until it reads again; others are answered meanwhile."""
    sent = 16 * BATCHES

    async def work() -> None:
        author = Author()
        async with served(author) as channel:
            stream = stream_of(channel)
            for _ in range(sent):
                await stream.write(asked(LONG))
            await stream.done_writing()
            for _ in range(sent):
                await channel.unary_unary(CHECK)(asked("a.example").requests[0].SerializeToString())
            assert author.asked - sent < 4 * BATCHES
            found = [told(batch) async for batch in stream]
            assert found == [[(1, "allow", "one")]] * sent

    uvloop.run(work())


def test_another_revision_is_told() -> None:
    async def work() -> None:
        author = Author()
        async with served(author) as channel:
            watching: Any = channel.unary_stream(WATCH)(b"")
            assert pb.PolicyRevision.FromString(await watching.read()).revision == "one"
            author.revision = "two"
            said = pb.PolicyRevision.FromString(await watching.read())
            assert (said.revision, said.timeless, said.HasField("reads")) == ("two", True, False)
            info = pb.GetInfoResponse.FromString(await channel.unary_unary(GET_INFO)(b""))
            assert (info.engine, info.revision) == ("an author's", "two")

    uvloop.run(work())


def test_it_is_healthy() -> None:
    async def work() -> None:
        async with served(Author()) as channel:
            asks = health_pb2_grpc.HealthStub(channel)
            said = await asks.Check(health_pb2.HealthCheckRequest(service=SERVICE))
            assert said.status == health_pb2.HealthCheckResponse.SERVING

    uvloop.run(work())
