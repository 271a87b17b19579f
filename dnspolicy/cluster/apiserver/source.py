"""A cluster as its API server says."""

from __future__ import annotations

import asyncio
from logging import Logger

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.apiserver.access import Access
from dnspolicy.cluster.apiserver.client import Client
from dnspolicy.cluster.apiserver.credentials import check_files, load, tls_context
from dnspolicy.cluster.apiserver.following import Followed
from dnspolicy.cluster.apiserver.keeper import Keeper
from dnspolicy.cluster.apiserver.limiter import Limiter
from dnspolicy.cluster.apiserver.measures import Measures
from dnspolicy.cluster.apiserver.options import Options, Timing
from dnspolicy.cluster.apiserver.reflector import Reflector, Tools
from dnspolicy.cluster.apiserver.resources import RESOURCES
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.sharing import Sharing
from dnspolicy.cluster.things import Collection

_USUAL = Timing()


class ApiServer:
    """Fills an index of `options.kinds` from an API server, and keeps what it has while that is away.

    Raises ConfigError when the configuration cannot be used; whether the API server answers is not asked. May be made
    in a thread; `start`, `stop` and `synced` belong on the event loop. Without `keeps` the snapshot is only read.
    """

    def __init__(
        self,
        options: Options,
        *,
        clock: Clock,
        metrics: Metrics,
        log: Logger,
        timing: Timing = _USUAL,
        keeps: bool = True,
    ) -> None:
        connect = options.connect
        check_files(connect)
        if connect.kubeconfig is not None or connect.endpoint:
            tls_context(load(connect, authenticate=False))
        self.index = Index(clock, metrics, options.kinds)
        self._options = options
        self._log = log
        self._clock = clock
        self._measures = Measures(metrics, clock)
        self._timing = timing
        self._complete = asyncio.Event()
        self._reflectors: list[Reflector] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._followed: list[Followed] = []
        self._tools: Tools | None = None
        self._client: Client | None = None
        self._keeper = None
        self._keeps = keeps
        if options.snapshot is not None:
            self._keeper = Keeper(
                options.snapshot, str(connect), options.kinds, self.index, timing, clock, metrics, log
            )

    async def start(self) -> None:
        """Begin to follow the API server; a snapshot is read first."""
        if self._tasks:
            return
        self._measures.begin()
        if self._keeper is not None and self.index.missing():
            await self._restore(self._keeper)
        options, clock = self._options, self._clock
        access = Access(options.connect, clock, self._timing.token)
        self._client = Client(access, Limiter(options.limits, clock), self._measures, clock)
        tools = self._tools = Tools(
            client=self._client, index=self.index, measures=self._measures, timing=self._timing, clock=clock,
            log=self._log, share=Sharing(), moved=self._moved, heard=lambda: None, programmed=self._programmed,
        )  # fmt: skip
        self._reflectors = [Reflector(RESOURCES[kind], tools, kind in options.optional) for kind in options.kinds]
        for kind, reflector in zip(options.kinds, self._reflectors, strict=True):
            self._tasks.append(asyncio.create_task(reflector.run(), name=f"apiserver {kind.value}"))
        if self._keeper is not None and self._keeps:
            self._tasks.append(asyncio.create_task(self._keeper.run(), name="apiserver snapshot"))
        for followed in self._followed:
            followed.begin(tools)

    async def stop(self) -> None:
        """Follow no more, and write the snapshot if it is behind."""
        tasks, self._tasks = self._tasks, []
        self._tools = None
        for followed in tuple(self._followed):
            await followed.pause()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._client is not None:
            await self._client.close()
            self._client = None
        if self._keeper is not None and self._keeps and tasks and self._keeper.dirty:
            await self._keeper.save()
        self._measures.end()

    async def synced(self, seconds: float) -> bool:
        """Whether every kind is loaded, after a wait of at most so many seconds."""
        if self.index.missing():
            try:
                async with asyncio.timeout(seconds):
                    await self._complete.wait()
            except TimeoutError:
                self._log.warning("serving although not loaded yet: %s", ", ".join(self.index.missing()))
        return not self.index.missing()

    def follow(self, collection: Collection) -> Followed:
        """Fill a collection too, from now on or from the start."""
        followed = Followed(collection, self._followed.remove)
        self._followed.append(followed)
        if self._tools is not None:
            followed.begin(self._tools)
        return followed

    def complaints(self) -> tuple[str, ...]:
        """What is wrong with which kind, one a line."""
        problems = [reflector.complaint for reflector in self._reflectors]
        problems += [f"{f.collection.wanted}: {p}" for f in self._followed if (p := f.collection.problem)]
        return tuple(filter(None, problems))

    async def _restore(self, keeper: Keeper) -> None:
        age = await keeper.restore()
        if age is not None:
            for kind in self._options.kinds:
                self._measures.news(kind, age)
        self._note_complete()

    def _moved(self) -> None:
        self._note_complete()
        if self._keeper is not None:
            self._keeper.moved()

    def _programmed(self, namespace: str, service: str, triggered: str) -> None:
        self._measures.programmed(self.index, namespace, service, triggered)

    def _note_complete(self) -> None:
        if not self._complete.is_set() and not self.index.missing():
            self._complete.set()
