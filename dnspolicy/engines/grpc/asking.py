"""How one question travels: over a stream that all share, in batches, or by a call of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError

from dnspolicy.engines.grpc.decode import Unreached, failure
from dnspolicy.engines.grpc.encode import item, request
from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import CHECK, STREAM_CHECK
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineTimeout, EngineUnavailable

Answer = asyncio.Future[pb.CheckResponse]

_BROKEN = "Internal error from Core"
"""What the library itself says, with the status INTERNAL, of some connections that break."""


class Asking(Protocol):
    """A way to ask. `lost` is done when nothing can be asked any more."""

    lost: asyncio.Future[EngineError]

    def ask(self, body: bytes, seconds: float) -> Answer:
        """A future that is done within so many seconds. Raises EngineUnavailable when it cannot be asked.

        Its errors are EngineUnavailable, EngineTimeout and EngineBadReply. Cancelling it forgets the question.
        """
        ...

    def __len__(self) -> int:
        """How many questions are under way."""
        ...

    async def close(self) -> None:
        """Whoever still waits is told that the decision point is gone."""
        ...


def problem_of(error: grpc.aio.AioRpcError) -> EngineError:
    """What an RPC that failed counts as."""
    return _ended(error.code().value[0] or 14, error.details() or "")


def _ended(code: int, details: str) -> EngineError:
    """What the end of an RPC counts as; code 0 is a stream that ended well, and so too early."""
    return Unreached(details) if code == 0 or details == _BROKEN else failure(code, details)


class _Waiting:
    """The questions under way, `most` of them, and their deadlines."""

    def __init__(self, most: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[EngineError] = self.loop.create_future()
        self.pending: dict[int, Answer] = {}
        self._most = most
        self._last = 0

    def __len__(self) -> int:
        return len(self.pending)

    def add(self, seconds: float) -> tuple[int, Answer]:
        if self.lost.done():
            raise Unreached(str(self.lost.result()))
        if len(self.pending) >= self._most:
            raise EngineUnavailable(f"{len(self.pending)} decisions are under way, which is the most")
        self._last = number = self._last + 1
        answer: Answer = self.loop.create_future()
        self.pending[number] = answer
        timer = self.loop.call_later(seconds, self._late, number)

        def done(_: object) -> None:
            timer.cancel()
            self.pending.pop(number, None)

        answer.add_done_callback(done)
        return number, answer

    def _late(self, number: int) -> None:
        self.fail(number, EngineTimeout("no decision in time"))

    def fail(self, number: int, problem: EngineError) -> None:
        answer = self.pending.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_exception(problem)

    def end(self, problem: EngineError) -> None:
        """Nothing is answered any more."""
        if not self.lost.done():
            self.lost.set_result(problem)
        told = problem if isinstance(problem, EngineBadReply) else Unreached(str(problem))
        for number in tuple(self.pending):
            self.fail(number, told)


class Stream:
    """One batched stream: a single writer sends what came together while the last write was under way."""

    def __init__(
        self, channel: grpc.aio.Channel, *, batch: int, most: int, stray: Callable[[], None], sent: Callable[[], None]
    ) -> None:
        self._waiting = _Waiting(most)
        self.lost = self._waiting.lost
        self._batch = batch
        self._room = 2 * most
        self._stray = stray
        self._sent = sent
        self._queue: list[tuple[int, bytes, float]] = []
        self._wake = asyncio.Event()
        self._call: Any = channel.stream_stream(STREAM_CHECK)()
        loop = self._waiting.loop
        self._tasks = (
            loop.create_task(self._work(self._write()), name="grpc write"),
            loop.create_task(self._work(self._read()), name="grpc read"),
        )

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def unsent(self) -> int:
        """How many questions are held because the last write is still under way."""
        return len(self._queue)

    def ask(self, body: bytes, seconds: float) -> Answer:
        number, answer = self._waiting.add(seconds)
        if len(self._queue) >= self._room:  # nobody reads them, and most have been given up
            self._queue = [entry for entry in self._queue if entry[0] in self._waiting.pending]
        self._queue.append((number, body, self._waiting.loop.time() + seconds))
        if len(self._queue) == 1:
            self._wake.set()
        return answer

    async def close(self) -> None:
        self._waiting.end(EngineUnavailable("the connection was closed"))
        self._call.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _work(self, work: Any) -> None:
        """Whatever ends one direction ends the stream."""
        problem: EngineError = Unreached("the decision point ended the stream")
        try:
            await work
        except grpc.aio.AioRpcError as error:
            problem = problem_of(error)
        except (EngineError, asyncio.InvalidStateError) as error:  # grpc.aio raises the latter for a call that is over
            problem = error if isinstance(error, EngineError) else problem
        except asyncio.CancelledError:
            # The call itself was cancelled, or this task.
            pass
        self._waiting.end(problem)
        self._call.cancel()

    async def _write(self) -> None:
        waiting, loop = self._waiting.pending, self._waiting.loop
        while True:
            await self._wake.wait()
            taken, self._queue = self._queue[: self._batch], self._queue[self._batch :]
            if not self._queue:
                self._wake.clear()
            now = loop.time()
            batch = [item(request(body, number, until - now)) for number, body, until in taken if number in waiting]
            if batch:
                self._sent()
                await self._call.write(b"".join(batch))

    async def _read(self) -> None:
        pending = self._waiting.pending
        while True:
            read = await self._call.read()
            if read is grpc.aio.EOF:
                raise _ended((await self._call.code()).value[0], await self._call.details() or "the stream ended")
            try:
                responses = pb.CheckBatchResponse.FromString(read).responses
            except DecodeError:
                raise EngineBadReply("the stream holds something that is no CheckBatchResponse") from None
            for response in responses:
                answer = pending.get(response.request_id)
                if answer is None or answer.done():
                    self._stray()
                else:
                    answer.set_result(response)


class Calls:
    """A call of its own for each question."""

    def __init__(self, channel: grpc.aio.Channel, *, most: int) -> None:
        self._waiting = _Waiting(most)
        self.lost = self._waiting.lost
        self._check: Any = channel.unary_unary(CHECK)
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(self, body: bytes, seconds: float) -> Answer:
        number, answer = self._waiting.add(seconds)
        task = self._waiting.loop.create_task(self._ask(request(body, number, seconds), number, answer, seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        answer.add_done_callback(lambda _: task.cancel())
        return answer

    async def close(self) -> None:
        self._waiting.end(EngineUnavailable("the connection was closed"))
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def _ask(self, content: bytes, number: int, answer: Answer, seconds: float) -> None:
        try:
            response = pb.CheckResponse.FromString(await self._check(content, timeout=seconds))
        except grpc.aio.AioRpcError as error:
            self._waiting.fail(number, problem_of(error))
        except DecodeError:
            self._waiting.fail(number, EngineBadReply("the answer is no CheckResponse"))
        else:
            if answer.done():
                return
            if response.request_id != number:
                self._waiting.fail(number, EngineBadReply("the answer has the id of another question"))
            else:
                answer.set_result(response)
