"""A decision point that says what it is told, and misbehaves on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from dnspolicy.corefile.credentials import Pem
from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import SERVICE

LARGE = 256 * 1024
"""Bytes of an answer that is too large."""
Says = Callable[[pb.CheckRequest], pb.CheckResponse]


class Fault(StrEnum):
    """What is wrong with the answers to questions.

    silent: none come. hung: nor does anything else. slow: they come after `delay`. reversed: the last first. twice:
    each comes twice. strange: their ids are of no question. enum: an enumeration has a value nobody knows. empty: they
    hold no decision. large: each has 256 KiB. bytes: they are no protobuf. reset: after half of a batch
    the stream breaks. error: each holds one. status: each call ends with one.
    """

    SILENT = "silent"
    HUNG = "hung"
    SLOW = "slow"
    REVERSED = "reversed"
    TWICE = "twice"
    STRANGE = "strange"
    ENUM = "enum"
    EMPTY = "empty"
    LARGE = "large"
    BYTES = "bytes"
    RESET = "reset"
    ERROR = "error"
    STATUS = "status"


class DecisionPoint:
    """Listens on loopback, or on `address`, from `start` to `stop`, and may be started again at the same place.

    `says` makes the answer to a request; request ids are put in afterwards. `delay` is in seconds. `code` is that of
    the faults error and status. `implements` are the methods it has.
    """

    def __init__(self, says: Says, address: str = "127.0.0.1:0", *, pem: Pem | None = None) -> None:
        self.says = says
        self.fault: Fault | None = None
        self.delay = 0.0
        self.code = grpc.StatusCode.UNAVAILABLE
        self.info = pb.GetInfoResponse(engine="testing", revision="one")
        self.implements = {"Check", "CheckBatch", "StreamCheck", "GetInfo", "Watch"}
        self.asked = 0
        self.batches = 0
        self.address = address
        self._pem = pem
        self._server: grpc.aio.Server | None = None
        self._health: Any = None
        self._changed = asyncio.Event()

    async def start(self) -> None:
        self._server = server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        methods: dict[str, Any] = {
            "Check": grpc.unary_unary_rpc_method_handler(self._check),
            "CheckBatch": grpc.unary_unary_rpc_method_handler(self._check_batch),
            "StreamCheck": grpc.stream_stream_rpc_method_handler(self._stream),
            "GetInfo": grpc.unary_unary_rpc_method_handler(self._info),
            "Watch": grpc.unary_stream_rpc_method_handler(self._watch),
        }
        mine = {name: method for name, method in methods.items() if name in self.implements}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, mine),))
        await self.serve(True)
        if self._pem is None:
            port = server.add_insecure_port(self.address)
        else:
            authority = self._pem.authority is not None
            assert self._pem.key is not None
            assert self._pem.certificate is not None
            pair = [(self._pem.key, self._pem.certificate)]
            port = server.add_secure_port(
                self.address,
                grpc.ssl_server_credentials(pair, self._pem.authority, require_client_auth=authority),
            )
        if not self.address.startswith("unix:"):
            self.address = f"{self.address.rpartition(':')[0]}:{port}"
        await server.start()

    async def stop(self) -> None:
        """End at once, as a process that is killed."""
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    @property
    def listening(self) -> bool:
        return self._server is not None

    async def serve(self, well: bool) -> None:
        """What the health service says."""
        status = health_pb2.HealthCheckResponse.SERVING if well else health_pb2.HealthCheckResponse.NOT_SERVING
        await self._health.set(SERVICE, status)

    def change(self, info: pb.GetInfoResponse, says: Says | None = None) -> None:
        """Another revision is in force."""
        self.info = info
        self.says = says or self.says
        self._changed.set()
        self._changed = asyncio.Event()

    # ------------------------------------------------------------------------------------------------------ methods

    async def _check(self, raw: bytes, context: Any) -> bytes:
        answers = await self._answers([pb.CheckRequest.FromString(raw)], context)
        return b"\xff" if self.fault is Fault.BYTES else answers[0].SerializeToString()

    async def _check_batch(self, raw: bytes, context: Any) -> bytes:
        answers = await self._answers(list(pb.CheckBatchRequest.FromString(raw).requests), context)
        return pb.CheckBatchResponse(responses=answers).SerializeToString()

    async def _stream(self, _: Any, context: Any) -> None:
        while True:
            raw = await context.read()
            if raw is grpc.aio.EOF:
                return
            self.batches += 1
            requests = list(pb.CheckBatchRequest.FromString(raw).requests)
            answers = await self._answers(requests, context)
            if self.fault is Fault.RESET:
                answers = answers[: len(answers) // 2]
            if self.fault is Fault.BYTES:
                await context.write(b"\xff")
            elif answers:
                await context.write(pb.CheckBatchResponse(responses=answers).SerializeToString())
            if self.fault is Fault.RESET:
                await context.abort(self.code, "reset")

    async def _answers(self, requests: list[pb.CheckRequest], context: Any) -> list[pb.CheckResponse]:
        self.asked += len(requests)
        if self.fault in (Fault.SILENT, Fault.HUNG):
            await asyncio.Event().wait()
        if self.fault is Fault.STATUS:
            await context.abort(self.code, "status")
        if self.fault is Fault.SLOW:
            await asyncio.sleep(self.delay)
        answers = [self._answer(request) for request in requests]
        if self.fault is Fault.REVERSED:
            answers.reverse()
        return [answer for answer in answers for _ in range(2 if self.fault is Fault.TWICE else 1)]

    def _answer(self, request: pb.CheckRequest) -> pb.CheckResponse:
        answer = pb.CheckResponse()
        answer.CopyFrom(self.says(request))
        answer.request_id = request.request_id
        if self.fault is Fault.STRANGE:
            answer.request_id += 1_000_000
        elif self.fault is Fault.ENUM:
            answer.mode = 77  # type: ignore[assignment]
        elif self.fault is Fault.EMPTY:
            answer.ClearField("result")
        elif self.fault is Fault.LARGE:
            answer.reason = "x" * LARGE
        elif self.fault is Fault.ERROR:
            answer.error.CopyFrom(pb.Status(code=self.code.value[0], message="an error"))
        return answer

    async def _info(self, raw: bytes, context: Any) -> bytes:
        if self.fault is Fault.HUNG:
            await asyncio.Event().wait()
        return self.info.SerializeToString()

    async def _watch(self, raw: bytes, context: Any) -> None:
        while True:
            changed = self._changed
            told = pb.PolicyRevision(revision=self.info.revision, timeless=self.info.timeless)
            if self.info.HasField("reads"):
                told.reads.CopyFrom(self.info.reads)
            await context.write(told.SerializeToString())
            await changed.wait()
