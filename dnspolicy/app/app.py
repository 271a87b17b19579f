"""The server as a whole: built from a plan, started, asked, given another plan, stopped."""

from __future__ import annotations

import asyncio

from dnspolicy.app.generation import Generation
from dnspolicy.app.parts import Parts, Use, Write
from dnspolicy.app.plan import Plan
from dnspolicy.app.rooms import Rooms
from dnspolicy.app.sources import Sources
from dnspolicy.app.supply import Engines
from dnspolicy.chain.clock import Clock
from dnspolicy.chain.observer import Outcome
from dnspolicy.cluster.view import ClusterView
from dnspolicy.model.answer import Dependencies
from dnspolicy.model.query import Query
from dnspolicy.server.door import Door
from dnspolicy.server.front import Front
from dnspolicy.server.listeners import LINGER
from dnspolicy.server.memo import Memo
from dnspolicy.server.repeats import Repeats
from dnspolicy.server.server import Server
from dnspolicy.server.stepping import Stepper

MEMO_CAPACITY = 20_000
"""Finished answers, of 2 to 4 KB each with all that hangs on them."""
IN_FLIGHT = 10_000


class App:
    """Everything one Corefile describes. To be made on the event loop it will run on.

    Raises ConfigError with all that is wrong with folders, policies and files. `memo` False answers every query anew.
    """

    def __init__(
        self, plan: Plan, *, clock: Clock, out: Write, err: Write, memo: bool = True, use: Use = Use.SERVE
    ) -> None:
        self.parts = Parts(clock, out, err, use)
        self.server: Server | None = None
        self.engines = Engines(self.parts, self.changed, self.reclassify)
        self._living: list[Generation] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._replacing = asyncio.Lock()
        self.current = Generation(plan, self.parts, self.engines, self.changed)
        self._living.append(self.current)
        self._sources = Sources(self.parts, self.changed)
        self._sources.follow(self.current)
        self._build_server(memo)

    def _build_server(self, memo: bool) -> None:
        parts = self.parts
        loop = asyncio.get_running_loop()
        self.memo = Memo(MEMO_CAPACITY, lambda: self.view.serial, parts.metrics) if memo else None
        repeats, stepper = Repeats(), Stepper(loop, IN_FLIGHT)
        self.front = Front(
            view=self.view, memo=self.memo, repeats=repeats, stepper=stepper, clock=parts.clock, metrics=parts.metrics
        )
        self.server = Server(
            front=self.front, memo=self.memo, repeats=repeats, stepper=stepper, clock=parts.clock,
            metrics=parts.metrics, fold=self.rooms.fold,
        )  # fmt: skip
        self.server.lead(self.current.listens)

    @property
    def rooms(self) -> Rooms:
        """Those of the configuration in force."""
        return self.current.rooms

    @property
    def view(self) -> ClusterView:
        """The cluster that says who is asking."""
        return self.current.view

    def changed(self, rests: Dependencies) -> None:
        """Something answers rest on has moved."""
        for generation in self._living:
            generation.changed(rests)
        if self.server is not None:
            self.server.changed(rests)

    def reclassify(self) -> None:
        """A policy now reads other facts of clients."""
        for generation in self._living:
            generation.reclassify()
        if self.server is not None:
            self.server.reclassify()

    async def start(self) -> None:
        """Take the addresses, start all rooms, then answer.

        Raises ConfigError naming what cannot be had; nothing is left running then.
        """
        assert self.server is not None
        self.server.bind(self.current.listens)
        try:
            await self._sources.start(self.current)
            await self.current.start()
            await self.engines.settle()
            await self.engines.start()
            await self.server.start()
        except BaseException:
            await self._end()
            raise

    async def replace(self, plan: Plan) -> None:
        """Put another configuration in force without losing a query.

        It is built, given its addresses and started beside the one in force; then every door leads to it at once, and
        the old one goes when its last query must be over. Raises ConfigError when it cannot; nothing has changed then.
        """
        async with self._replacing:
            assert self.server is not None
            try:
                new = await asyncio.to_thread(Generation, plan, self.parts, self.engines, self.changed, self.current)
                await self._prepare(new, self.server)
            except BaseException:
                await self._let_go()
                raise
            self._switch(new, self.server)
            await self.engines.start()
            await self.server.serve()

    async def _prepare(self, new: Generation, server: Server) -> None:
        """All that can fail: its clusters, its addresses, its rooms."""
        self._living.append(new)
        try:
            await self.engines.settle()
            await self._sources.start(new)
            server.bind(new.listens)
            await server.open()
            await new.start()
        except BaseException:
            server.unbind()
            self._living.remove(new)
            raise

    def _switch(self, new: Generation, server: Server) -> None:
        """Between two queries."""
        old, self.current = self.current, new
        self.front.look_at(new.view)
        server.fold = new.rooms.fold
        server.switch()
        task = asyncio.create_task(self._retire(old, new), name="retire")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _retire(self, old: Generation, heir: Generation) -> None:
        await asyncio.sleep(LINGER)
        await old.stop(heir)
        self._living.remove(old)
        async with self._replacing:  # what is being built may have opened something already
            await self._let_go()

    async def _let_go(self) -> None:
        """Give up clusters and policies that no configuration uses any more."""
        await self._sources.retain(self._living)
        await self.engines.retain([judge for living in self._living for judge in living.rooms.judges])

    async def stop(self) -> None:
        """Be a lame duck, unless a room halts the server; answer what is under way, write down what is left."""
        async with self._replacing:
            if self.parts.halt.reason is None:
                await self.current.drain()
            await self._end()

    async def _end(self) -> None:
        if self.server is not None:
            await self.server.stop()
        for task in tuple(self._leaving):
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        self.parts.forwarder.close()
        await self.engines.stop()
        await self._sources.retain(())
        for old, heir in zip(self._living, (*self._living[1:], None), strict=True):
            await old.stop(heir)

    async def ask(self, query: Query, source: str, port: int = 0) -> Outcome | None:
        """Answer one query without sockets, as the first address that has a block for the name would."""
        for listen in self.current.listens:
            if any(query.name.under(block.zone) for block in listen.routes.blocks):
                door = Door(listen.routes, query.transport, listen.ip, listen.port)
                return await self.front.outcome(query, source, port, door)
        return None

    def missing(self) -> tuple[str, ...]:
        """What stands against being ready, in the words of `ready`, each once."""
        found = (room.missing() for room in self.rooms.readiness())
        return tuple(dict.fromkeys(line for line in found if line is not None))

    def announcement(self) -> list[str]:
        """What was configured, in a few lines for people."""
        return self.current.announcement() + self.engines.announcement()
