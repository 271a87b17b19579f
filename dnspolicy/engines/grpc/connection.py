"""One connection to one decision point: who it is, what is in force there, and a way to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import msgspec
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from dnspolicy import __version__
from dnspolicy.chain.pauses import Pauses
from dnspolicy.corefile.credentials import Pem
from dnspolicy.engines.grpc.asking import Asking, Calls, Stream, problem_of
from dnspolicy.engines.grpc.credentials import for_client
from dnspolicy.engines.grpc.decode import Unreached, read_revision
from dnspolicy.engines.grpc.paths import read_paths
from dnspolicy.engines.grpc.pb import policy_pb2 as pb
from dnspolicy.engines.grpc.words import API_MINOR, GET_INFO, SERVICE, WATCH
from dnspolicy.model.errors import EngineBadReply, EngineError, EngineUnavailable
from dnspolicy.model.printable import printable
from dnspolicy.policy.footprint import EVERYTHING, Path
from dnspolicy.policy.settings.grpc import GrpcMode, GrpcSettings

HEALTH = "/grpc.health.v1.Health/Check"
AGAIN = (0.2, 5.0)
"""Seconds after which a watch that ended is begun again: at first and at most."""
MOST_TOLD = 50
"""What a watch may tell within a second. One that tells more is begun again after a pause: it then tells the latest."""


class Info(msgspec.Struct, frozen=True):
    """What is in force there. An empty revision is none that can be told apart."""

    engine: str = "unknown"
    revision: str = ""
    reads: frozenset[Path] = EVERYTHING.paths
    timeless: bool = False


def open_channel(target: str, settings: GrpcSettings, pem: Pem | None) -> grpc.aio.Channel:
    """A channel of its own: nothing is shared with those before it, and it asks no proxy and no DNS for its ways."""
    options: list[tuple[str, Any]] = [
        ("grpc.enable_http_proxy", 0),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.enable_retries", 0),
        ("grpc.min_reconnect_backoff_ms", int(settings.connect * 1000)),  # also how long a connect may take
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", settings.max_reply),
        ("grpc.max_send_message_length", -1),
        ("grpc.primary_user_agent", f"dnspolicy/{__version__}"),
    ]
    if pem is None:
        return grpc.aio.insecure_channel(target, options)
    if settings.server_name:
        options.append(("grpc.ssl_target_name_override", settings.server_name))
    return grpc.aio.secure_channel(target, for_client(pem), options)


class Connection:
    """Open until `lost`. `told` is called when what is in force there is no longer what `info` says."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        settings: GrpcSettings,
        *,
        told: Callable[[], None],
        stray: Callable[[], None],
        sent: Callable[[], None],
    ) -> None:
        self.info = Info()
        self._channel = channel
        self._settings = settings
        self._told = told
        self._count = stray, sent
        self._asking: Asking | None = None
        self._doubt = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.lost: asyncio.Future[EngineError] = asyncio.get_running_loop().create_future()

    @property
    def asking(self) -> Asking:
        """How to ask, once it is open."""
        assert self._asking is not None
        return self._asking

    async def open(self, *, checked: bool) -> None:
        """Learn who is there; with `checked` only if its health service, if there is one, says that it serves.

        Raises EngineError.
        """
        if checked:
            await self._healthy()
        self.info = await self._info()
        settings, channel = self._settings, self._channel
        if settings.mode is GrpcMode.UNARY:
            self._asking = Calls(channel, most=settings.in_flight)
        else:
            stray, sent = self._count
            self._asking = Stream(channel, batch=settings.batch, most=settings.in_flight, stray=stray, sent=sent)
        self._asking.lost.add_done_callback(lambda lost: None if lost.cancelled() else self.lose(lost.result()))
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._watch(), name="grpc watch"),
            loop.create_task(self._refresh(), name="grpc info"),
        ]

    def lose(self, problem: EngineError) -> None:
        """It is of no use any more."""
        if not self.lost.done():
            self.lost.set_result(problem)

    def doubt(self) -> None:
        """Somebody saw another revision than `info` says: ask what is in force, soon."""
        self._doubt.set()

    async def close(self) -> None:
        self.lose(EngineUnavailable("the connection was closed"))
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._asking is not None:
            await self._asking.close()
        await self._channel.close(None)

    async def _call(self, method: str, request: bytes) -> bytes | None:
        """The reply, or None when there is no such method. Raises EngineError."""
        try:
            call: Any = self._channel.unary_unary(method)
            return bytes(await call(request, timeout=float(self._settings.connect)))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return None
            raise problem_of(error) from None
        except asyncio.InvalidStateError:  # the channel is being closed
            raise Unreached("the connection was closed") from None

    async def _healthy(self) -> None:
        raw = await self._call(HEALTH, health_pb2.HealthCheckRequest(service=SERVICE).SerializeToString())
        if raw is None:
            return
        try:
            status = health_pb2.HealthCheckResponse.FromString(raw).status
        except DecodeError:
            raise EngineBadReply("the health service says nothing that can be read") from None
        if status != health_pb2.HealthCheckResponse.SERVING:
            raise Unreached("its health service says that it does not serve")

    async def _info(self) -> Info:
        said = pb.GetInfoRequest(client=f"dnspolicy {__version__}", api_minor=API_MINOR)
        raw = await self._call(GET_INFO, said.SerializeToString())
        if raw is None:
            return Info()
        try:
            return info_of(pb.GetInfoResponse.FromString(raw))
        except DecodeError:
            raise EngineBadReply("GetInfo says nothing that can be read") from None

    def _take(self, info: Info) -> None:
        if info != self.info:
            self.info = info
            self._told()

    async def _refresh(self) -> None:
        """Ask again from time to time, which also finds out that nobody is there any more."""
        while True:
            try:
                async with asyncio.timeout(float(self._settings.refresh)):
                    await self._doubt.wait()
                await asyncio.sleep(min(AGAIN[0], self._settings.refresh))  # many see it at once
            except TimeoutError:
                pass
            self._doubt.clear()
            try:
                self._take(await self._info())
            except EngineError as problem:
                self.lose(problem)
                return

    async def _watch(self) -> None:
        """Follow what is in force. Without that, `_refresh` finds out."""
        pauses, loop = Pauses(*AGAIN), asyncio.get_running_loop()
        while True:
            told, since = 0, loop.time()
            try:
                watch: Any = self._channel.unary_stream(WATCH)
                call = watch(pb.WatchRequest().SerializeToString())
                async for raw in call:
                    self._take(info_of(pb.PolicyRevision.FromString(raw), self.info.engine))
                    told += 1
                    if loop.time() - since >= 1.0:
                        told, since = 0, loop.time()
                        pauses.reset()
                    elif told >= MOST_TOLD:
                        call.cancel()
                        break
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                    return
            except (DecodeError, EngineError):
                call.cancel()
            except asyncio.InvalidStateError:
                return
            await asyncio.sleep(pauses.next())


def info_of(said: pb.GetInfoResponse | pb.PolicyRevision, engine: str = "") -> Info:
    """What was told. Raises EngineBadReply for a revision that is none."""
    revision = read_revision(said.revision) if said.revision else ""
    reads = read_paths(said.reads) if said.HasField("reads") else EVERYTHING.paths
    if isinstance(said, pb.GetInfoResponse):
        engine = printable(said.engine[:64]) or "unknown"
    # A path nobody knows may stand for anything, and a policy of such a path is none that this version understands.
    return Info(engine, revision, EVERYTHING.paths if reads is None else reads, said.timeless and reads is not None)
