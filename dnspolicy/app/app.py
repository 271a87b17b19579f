"""The server as a whole: built from a plan, started, asked, stopped."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import Any

from dnspolicy.app.addresses import interfaces, listen_on, own_addresses
from dnspolicy.app.parts import Parts, Write
from dnspolicy.app.plan import BlockPlan, Plan
from dnspolicy.app.rooms import Rooms
from dnspolicy.chain.build import build
from dnspolicy.chain.clock import Clock
from dnspolicy.chain.observer import Outcome
from dnspolicy.chain.plugin import Drains, Plugin, Startable
from dnspolicy.corefile.builtin import BindConfig
from dnspolicy.model.answer import Dependencies
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.identity import Identity
from dnspolicy.model.query import Query
from dnspolicy.plugins.policy import Policy
from dnspolicy.policy.footprint import client_projector
from dnspolicy.server.blocks import Block, Routes
from dnspolicy.server.door import Door
from dnspolicy.server.front import Front
from dnspolicy.server.memo import Memo
from dnspolicy.server.repeats import Repeats
from dnspolicy.server.server import Listen, Server
from dnspolicy.server.stepping import Stepper

MEMO_CAPACITY = 20_000
"""Finished answers, of 2 to 4 KB each with all that hangs on them."""
IN_FLIGHT = 10_000
log = logging.getLogger("dnspolicy")


class App:
    """Everything one Corefile describes. To be made on the event loop it will run on.

    Raises ConfigError with all that is wrong with folders, policies and files. `memo` False answers every query anew.
    """

    def __init__(self, plan: Plan, *, clock: Clock, out: Write, err: Write, memo: bool = True) -> None:
        self.parts = Parts(clock, out, err)
        self.server: Server | None = None
        self._routes: list[Routes] = []
        self.rooms = Rooms(plan, self.parts, self.changed, self.reclassify)
        machine = interfaces()
        listening: dict[tuple[str, int], list[Block]] = defaultdict(list)
        chains: dict[int, tuple[Plugin, ...]] = {}
        for block in plan.blocks:
            bind = block.one(BindConfig)
            try:
                ips = listen_on(bind, machine)
            except ConfigError as problem:
                self.rooms.problems.append(f"{block.directive(bind).at}: {problem}")
                continue
            for made, plugins, port in self._blocks(block, own_addresses(ips, machine)):
                chains[id(made)] = plugins
                for ip in ips:
                    listening[ip, port].append(made)
        if self.rooms.problems:
            raise ConfigError("\n".join(self.rooms.problems))
        self.view = self.rooms.view
        self._chains = chains
        listens = [Listen(ip, port, self._routes_of(tuple(blocks))) for (ip, port), blocks in listening.items()]
        self._build_server(listens, memo)
        for source in self.parts.sources.values():
            source.index.subscribe(self.changed)

    def _blocks(self, block: BlockPlan, own: tuple[str, ...]) -> list[tuple[Block, tuple[Plugin, ...], int]]:
        label = f"dns://:{block.keys[0].port}"
        made = self.rooms.furnish(block, own, label)
        ask = build(made.plugins)
        knows = any(isinstance(p, Policy) for p in made.plugins)
        return [
            (Block(key.zone, f"dns://:{key.port}", ask, made.observers, knows), made.plugins, key.port)
            for key in block.keys
        ]

    def _routes_of(self, blocks: tuple[Block, ...]) -> Routes:
        for routes in self._routes:
            if routes.blocks == blocks:
                return routes
        rooms = [room for block in blocks for room in self._chains[id(block)]]
        routes = Routes(blocks, _Classifier(rooms))
        self._routes.append(routes)
        return routes

    def _build_server(self, listens: list[Listen], memo: bool) -> None:
        parts = self.parts
        loop = asyncio.get_running_loop()
        self.memo = Memo(MEMO_CAPACITY, lambda: self.view.serial, parts.metrics) if memo else None
        repeats, stepper = Repeats(), Stepper(loop, IN_FLIGHT)
        self.front = Front(
            view=self.view, memo=self.memo, repeats=repeats, stepper=stepper, clock=parts.clock, metrics=parts.metrics
        )
        self.server = Server(
            listens, front=self.front, memo=self.memo, repeats=repeats, stepper=stepper, clock=parts.clock,
            metrics=parts.metrics, fold=self.rooms.fold,
        )  # fmt: skip
        self.listens = listens

    def changed(self, rests: Dependencies) -> None:
        """Something answers rest on has moved."""
        for cached in self.rooms.caches:
            cached.changed(rests)
        if self.server is not None:
            self.server.changed(rests)

    def reclassify(self) -> None:
        """A policy now reads other facts of clients."""
        for routes in self._routes:
            classify = routes.classify
            assert isinstance(classify, _Classifier)
            classify.renew()
        if self.server is not None:
            self.server.reclassify()

    async def start(self) -> None:
        """Take the addresses, start all rooms, then answer.

        Raises ConfigError naming what cannot be had; nothing is left running then.
        """
        assert self.server is not None
        await self.server.bind()
        try:
            for source in self.parts.sources.values():
                if source.manifests is not None:
                    await source.manifests.start()
            for room in self._startable():
                await room.start()
            await self.rooms.engines.start()
            await self.server.start()
        except BaseException:
            await self._end()
            raise

    async def stop(self) -> None:
        """Be a lame duck, answer what is under way, write down what is left."""
        await asyncio.gather(*(room.drain() for room in self.rooms.everything if isinstance(room, Drains)))
        await self._end()

    async def _end(self) -> None:
        if self.server is not None:
            await self.server.stop()
        self.parts.forwarder.close()
        await self.rooms.engines.stop()
        for source in self.parts.sources.values():
            if source.manifests is not None:
                await source.manifests.stop()
        for room in reversed(self._startable()):
            try:
                await room.stop()
            except Exception as problem:  # noqa: BLE001 one room's fault must not keep the others from ending well
                log.warning("%s did not stop well: %s", getattr(room, "name", "a room"), problem)

    async def ask(self, query: Query, source: str, port: int = 0) -> Outcome | None:
        """Answer one query without sockets, as the first address that has a block for the name would."""
        for listen in self.listens:
            if any(query.name.under(block.zone) for block in listen.routes.blocks):
                door = Door(listen.routes, query.transport, listen.ip, listen.port)
                return await self.front.outcome(query, source, port, door)
        return None

    def announcement(self) -> list[str]:
        """What was configured, in a few lines for people."""
        lines = []
        for routes in self._routes:
            zones = ", ".join(dict.fromkeys(b.zone_text for b in routes.blocks))
            ports = sorted({x.port for x in self.listens if x.routes is routes})
            ips = [x.ip for x in self.listens if x.routes is routes]
            where = "all addresses" if "0.0.0.0" in ips else ", ".join(dict.fromkeys(ips))
            lines.append(f"zones {zones} on {where}, port {', '.join(map(str, ports))}")
        return lines + self.rooms.engines.announcement()

    def _startable(self) -> list[Startable]:
        return [room for room in self.rooms.everything if isinstance(room, Startable)]


class _Classifier:
    """Sorts clients into classes that no room and no policy of some blocks can tell apart."""

    def __init__(self, rooms: list[Plugin]) -> None:
        self._rooms = rooms
        self.renew()

    def renew(self) -> None:
        facts: frozenset[Any] = frozenset().union(*(room.reads for room in self._rooms))
        self._project = client_projector(facts)

    def __call__(self, identity: Identity) -> tuple[Any, ...]:
        return tuple(self._project(identity))
