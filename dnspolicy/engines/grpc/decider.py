"""For decision points written in Python: what every one of them has beside its decisions.

    server = grpc.aio.server()
    await add_decider(Mine(), server)

The server, its ports, certificates and end are the author's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Protocol

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import API_MINOR, SERVICE

__all__ = ["LOOK", "Decider", "add_decider", "pb"]

log = logging.getLogger("dnspolicy.decider")
LOOK = 0.2
"""Seconds between two looks at what is in force."""
BATCHES = 64
"""Batches of one stream that may be unanswered before no more are read."""
_INTERNAL = 13
"""Of google.rpc.Code."""


class Decider(Protocol):
    """What an author writes. What it raises is an error for whoever asked, and never an allow."""

    def info(self) -> pb.GetInfoResponse:
        """What is in force now: engine, revision, what is read. Asked for often."""
        ...

    async def check(self, request: pb.CheckRequest) -> pb.CheckResponse:
        """One decision. The id of the request need not be in it, nor the revision if it is the one in force."""
        ...


async def add_decider(decider: Decider, server: grpc.aio.Server) -> None:
    """Give a server the methods of `dnspolicy.v1.PolicyService` and a health service that says it serves.

    Questions of a batch, and batches of a stream, are decided side by side; changes of what is in force are told to
    whoever watches within `LOOK` seconds.
    """
    methods = _Methods(decider)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods.handlers()),))
    healthy = health.aio.HealthServicer()
    await healthy.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)


class _Methods:
    def __init__(self, decider: Decider) -> None:
        self._decider = decider

    def handlers(self) -> dict[str, Any]:
        one, many, made = pb.CheckRequest.FromString, pb.CheckBatchRequest.FromString, _bytes
        return {
            "Check": grpc.unary_unary_rpc_method_handler(self._check, one, made),
            "CheckBatch": grpc.unary_unary_rpc_method_handler(self._check_batch, many, made),
            "StreamCheck": grpc.stream_stream_rpc_method_handler(self._stream_check, many, made),
            "GetInfo": grpc.unary_unary_rpc_method_handler(self._get_info, pb.GetInfoRequest.FromString, made),
            "Watch": grpc.unary_stream_rpc_method_handler(self._watch, pb.WatchRequest.FromString, made),
        }

    async def _check(self, request: pb.CheckRequest, _: object = None) -> pb.CheckResponse:
        answer = pb.CheckResponse()  # a copy, as an author may give the same response to many
        try:
            answer.revision = self._decider.info().revision  # before: an older one is forgotten sooner than a newer one
            answer.MergeFrom(await self._decider.check(request))
        except Exception:  # whatever an author's code raises must not end the questions beside it
            log.exception("a question could not be decided")
            answer.error.CopyFrom(pb.Status(code=_INTERNAL, message="the decision failed"))
        answer.request_id = request.request_id
        return answer

    async def _check_batch(self, batch: pb.CheckBatchRequest, _: object = None) -> pb.CheckBatchResponse:
        return pb.CheckBatchResponse(responses=await asyncio.gather(*map(self._check, batch.requests)))

    async def _stream_check(
        self, batches: AsyncIterator[pb.CheckBatchRequest], _: object
    ) -> AsyncIterator[pb.CheckBatchResponse]:
        room, decided = asyncio.Semaphore(BATCHES), asyncio.Queue[pb.CheckBatchResponse | None]()

        async def decide(batch: pb.CheckBatchRequest) -> None:
            decided.put_nowait(await self._check_batch(batch))

        async def read() -> None:
            async with asyncio.TaskGroup() as deciding:
                async for batch in batches:
                    await room.acquire()
                    deciding.create_task(decide(batch))

        reading = asyncio.create_task(read())
        reading.add_done_callback(lambda _: decided.put_nowait(None))
        try:
            while (batch := await decided.get()) is not None:
                yield batch
                room.release()  # it has left: of a client that does not read no more is read
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _get_info(self, request: pb.GetInfoRequest, _: object) -> pb.GetInfoResponse:
        info = pb.GetInfoResponse(api_minor=API_MINOR)
        info.MergeFrom(self._decider.info())
        return info

    async def _watch(self, request: pb.WatchRequest, _: object) -> AsyncIterator[pb.PolicyRevision]:
        told: pb.GetInfoResponse | None = None
        while True:
            info = self._decider.info()
            if info != told:
                told = info
                reads = info.reads if info.HasField("reads") else None
                yield pb.PolicyRevision(revision=info.revision, reads=reads, timeless=info.timeless)
            await asyncio.sleep(LOOK)


def _bytes(message: Any) -> bytes:
    return bytes(message.SerializeToString())
