"""The five methods of a decision point, over one engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from dnspolicy.app.pdp.reading import BadRequest, read
from dnspolicy.app.pdp.writing import INVALID_ARGUMENT, RESOURCE_EXHAUSTED, decided, failed, refused
from dnspolicy.chain.metrics import Metrics
from dnspolicy.engines.grpc.encode import MICRO
from dnspolicy.engines.grpc.paths import write_paths
from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import API_MINOR, SERVICE
from dnspolicy.model.errors import EngineError
from dnspolicy.policy.engine import Engine
from dnspolicy.server.stepping import Stepper

Context = grpc.aio.ServicerContext[Any, Any]
Respond = Callable[[pb.CheckResponse], None]
TURN = 0.002
"""Seconds of deciding after which others have their turn, and what is decided leaves."""
IN_FLIGHT = 4096
"""Decisions of all clients that may wait for something."""
BACKLOG = 2048
"""Decisions of one stream that may be unanswered before no more are read."""


class Service:
    """`timeout` is in seconds, for each decision. `batch` is how many questions may come together.

    To be made on the event loop it runs on. `close` ends streams once all that was read from them is answered.
    """

    def __init__(
        self, engine: Engine, *, timeout: float, batch: int, monotonic: Callable[[], float], metrics: Metrics
    ) -> None:
        self._engine = engine
        self._timeout = timeout
        self._batch = batch
        self._now = monotonic
        self._stepper = Stepper(asyncio.get_running_loop(), 4 * IN_FLIGHT)
        self._closing = asyncio.Event()
        self._changed = asyncio.Event()
        self._open = 0
        self._calls = metrics.counter("dnspolicy_pdp_calls_total", "Calls, by method.", ("method",))
        self._results = metrics.counter("dnspolicy_pdp_decisions_total", "Decisions, by result.", ("result",))
        self._refused = metrics.counter("dnspolicy_pdp_refused_total", "Questions not decided.", ("reason",))
        self._streams = metrics.gauge("dnspolicy_pdp_streams", "Open streams of questions.")
        metrics.before_collect(lambda: self._streams.set(float(self._open)))

    def handler(self) -> grpc.GenericRpcHandler:
        """All methods, on bytes: of what is large only the parts that are used become objects."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Check": grpc.unary_unary_rpc_method_handler(self._check),
                "CheckBatch": grpc.unary_unary_rpc_method_handler(self._check_batch),
                "StreamCheck": grpc.stream_stream_rpc_method_handler(self._stream_check),
                "GetInfo": grpc.unary_unary_rpc_method_handler(self._get_info),
                "Watch": grpc.unary_stream_rpc_method_handler(self._watch),
            },
        )

    def changed(self) -> None:
        """The engine's revision or footprint is another."""
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Read no more questions."""
        self._closing.set()

    # ------------------------------------------------------------------------------------------------------ methods

    async def _check(self, raw: bytes, context: Context) -> bytes:
        self._calls.inc(("Check",))
        request = await _parsed(pb.CheckRequest, raw, context)
        found: list[pb.CheckResponse] = []
        await self._decide(request, self._budget(request, context.time_remaining()), found.append)
        return found[0].SerializeToString()

    async def _check_batch(self, raw: bytes, context: Context) -> bytes:
        self._calls.inc(("CheckBatch",))
        requests = (await _parsed(pb.CheckBatchRequest, raw, context)).requests
        if len(requests) > self._batch:
            self._refused.inc(("batch",))
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"more than {self._batch} questions in a batch")
        left = context.time_remaining()
        lists: list[list[pb.CheckResponse]] = [[] for _ in requests]
        work = [self._decide(r, self._budget(r, left), found.append) for r, found in zip(requests, lists, strict=True)]
        await asyncio.gather(*work)
        return pb.CheckBatchResponse(responses=[found[0] for found in lists]).SerializeToString()

    async def _stream_check(self, _: Any, context: Context) -> None:
        self._calls.inc(("StreamCheck",))
        self._open += 1
        try:
            await _Answers(context, self._put, self._batch, self._closing, self._now).run()
        finally:
            self._open -= 1

    async def _get_info(self, raw: bytes, _: Context) -> bytes:
        self._calls.inc(("GetInfo",))
        engine, footprint = self._engine, self._engine.footprint
        return pb.GetInfoResponse(
            engine=engine.name,
            api_minor=API_MINOR,
            revision=engine.revision,
            reads=write_paths(footprint.paths),
            timeless=footprint.timeless,
        ).SerializeToString()

    async def _watch(self, raw: bytes, context: Context) -> None:
        self._calls.inc(("Watch",))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            while not closing.done():
                changed = asyncio.ensure_future(self._changed.wait())  # first: what changes while this is sent counts
                footprint = self._engine.footprint
                revision = pb.PolicyRevision(
                    revision=self._engine.revision, reads=write_paths(footprint.paths), timeless=footprint.timeless
                )
                try:
                    await context.write(revision.SerializeToString())
                    await asyncio.wait((changed, closing), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    changed.cancel()
        finally:
            closing.cancel()

    # ---------------------------------------------------------------------------------------------------- decisions

    def _put(self, request: pb.CheckRequest, respond: Respond, stream: str) -> None:
        """Decide; `respond` is called once, now or later."""
        if not self._stepper.run(self._decide(request, self._budget(request, None), respond), stream):
            self._refused.inc(("in_flight",))
            respond(refused(request.request_id, RESOURCE_EXHAUSTED, "too many decisions are under way"))

    def _budget(self, request: pb.CheckRequest, left: float | None) -> float:
        """Until when (monotonic) a decision is wanted."""
        seconds = min(self._timeout, self._timeout if left is None else left)
        budget = request.budget_us
        return self._now() + (min(seconds, budget / MICRO) if budget else seconds)

    async def _decide(self, request: pb.CheckRequest, deadline: float, respond: Respond) -> None:
        number = request.request_id
        try:
            question = read(request)
        except BadRequest as problem:
            self._refused.inc(("request",))
            respond(refused(number, INVALID_ARGUMENT, str(problem)))
            return
        engine = self._engine
        revision = engine.revision
        try:
            verdict = await engine.decide(question, deadline)
        except EngineError as problem:
            self._results.inc(("error",))
            respond(failed(number, problem))
            return
        self._results.inc(("undefined" if verdict is None else verdict.action.value,))
        respond(decided(number, verdict, revision, engine.footprint.timeless))


async def _parsed(kind: type[Any], raw: bytes, context: Context) -> Any:
    try:
        return kind.FromString(raw)
    except DecodeError:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"this is no {kind.__name__}")


class _Answers:
    """One stream: what is read is decided at once, and what is decided together leaves together."""

    def __init__(
        self,
        context: Context,
        put: Callable[[pb.CheckRequest, Respond, str], None],
        batch: int,
        closing: asyncio.Event,
        monotonic: Callable[[], float],
    ) -> None:
        self._context = context
        self._put = put
        self._batch = batch
        self._closing = closing
        self._now = monotonic
        self._name = str(id(self))
        self._ready: list[pb.CheckResponse] = []
        self._unanswered = 0
        self._ended = False
        self._wake = asyncio.Event()
        self._room = asyncio.Event()

    async def run(self) -> None:
        """Until the client ends it and all is answered, or the server closes."""
        reading = asyncio.ensure_future(self._read())
        reading.add_done_callback(self._done)
        closing = asyncio.ensure_future(self._closing.wait())
        closing.add_done_callback(lambda _: reading.cancel())
        try:
            await self._write()
        finally:
            closing.cancel()
            reading.cancel()
            await asyncio.wait((reading,))
        if not reading.cancelled():
            problem = reading.exception()
            if isinstance(problem, BadRequest):
                await self._context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(problem))
            if problem is not None:
                raise problem

    def _done(self, reading: asyncio.Future[None]) -> None:
        if not reading.cancelled():
            reading.exception()  # what writing fails of comes first
        self._ended = True
        self._wake.set()

    async def _read(self) -> None:
        while True:
            raw = await self._context.read()
            if raw is grpc.aio.EOF:
                return
            try:
                requests = pb.CheckBatchRequest.FromString(raw).requests
            except DecodeError:
                raise BadRequest("this is no CheckBatchRequest") from None
            await self._take(requests)
            while self._unanswered >= BACKLOG:
                self._room.clear()
                await self._room.wait()

    async def _take(self, requests: Any) -> None:
        until = self._now() + TURN
        for place, request in enumerate(requests):
            self._unanswered += 1
            if place >= self._batch:
                text = f"more than {self._batch} questions in a batch"
                self._respond(refused(request.request_id, RESOURCE_EXHAUSTED, text))
                continue
            self._put(request, self._respond, self._name)
            if self._now() >= until:
                await asyncio.sleep(0)
                until = self._now() + TURN

    def _respond(self, response: pb.CheckResponse) -> None:
        self._ready.append(response)
        self._wake.set()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            if len(self._ready) > 1:  # many are asked: what is read in two more turns leaves with them, at a tenth less
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            self._wake.clear()
            ready, self._ready = self._ready, []
            if ready:
                await self._context.write(pb.CheckBatchResponse(responses=ready).SerializeToString())
                self._unanswered -= len(ready)
                self._room.set()
            if self._ended and not self._unanswered:
                return
