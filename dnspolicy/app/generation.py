"""Everything one Corefile describes, beside the sockets: built as a whole, started as a whole, replaced as a whole."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Protocol

from dnspolicy.app.addresses import interfaces, listen_on, own_addresses, server_label
from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import BlockPlan, Plan
from dnspolicy.app.rooms import Furnished, Rooms
from dnspolicy.app.supply import Engines
from dnspolicy.chain.build import build
from dnspolicy.chain.plugin import ClientFact, Drains, Startable
from dnspolicy.corefile.builtin import BindConfig
from dnspolicy.model.answer import Dependencies
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.identity import Identity
from dnspolicy.plugins import policy, view
from dnspolicy.plugins.policy import Policy
from dnspolicy.policy.footprint import client_projector
from dnspolicy.server.blocks import Block, Routes, View
from dnspolicy.server.listeners import Listen

log = logging.getLogger("dnspolicy")
_OF_ADDRESS: frozenset[ClientFact] = frozenset({("ip",), ("family",)})
"""Client facts that are known without the cluster."""


class Reads(Protocol):
    """What says which client facts it reads."""

    @property
    def reads(self) -> frozenset[ClientFact]: ...


class Generation:
    """One configuration, ready to be put in force. `before` is the one in force, of which some rooms may go on.

    Raises ConfigError with all that is wrong with folders, policies and files. May be built in a thread.
    """

    def __init__(
        self,
        plan: Plan,
        parts: Parts,
        engines: Engines,
        changed: Callable[[Dependencies], None],
        before: Generation | None = None,
    ) -> None:
        self.plan = plan
        self.rooms: Rooms = Rooms(plan, parts, engines, changed, before.rooms if before is not None else None)
        self.view = self.rooms.view
        self._routes: list[Routes] = []
        self._reading: dict[int, tuple[Reads, ...]] = {}
        machine = interfaces()
        listening: dict[tuple[str, int], list[Block]] = defaultdict(list)
        for block in plan.blocks:
            bind = block.one(BindConfig)
            try:
                ips = listen_on(bind, machine)
            except ConfigError as problem:
                self.rooms.problems.append(f"{block.directive(bind).at}: {problem}")
                continue
            hosts = ips if bind is not None else ("",)
            for made, host, port in self._blocks(block, own_addresses(ips, machine), hosts):
                for ip in (host,) if host else ips:
                    listening[ip, port].append(made)
        if self.rooms.problems:
            raise ConfigError("\n".join(self.rooms.problems))
        self.listens = [Listen(ip, port, self._routes_of(tuple(blocks))) for (ip, port), blocks in listening.items()]

    def _blocks(self, block: BlockPlan, own: tuple[str, ...], hosts: tuple[str, ...]) -> list[tuple[Block, str, int]]:
        """For each zone and each of `hosts`, which are the addresses of `bind`, or one that is empty."""
        made = self.rooms.furnish(block, own, hosts)
        ask = build(made.plugins)
        reading: tuple[Reads, ...] = made.plugins if made.view is None else (*made.plugins, made.view)
        blocks = [
            (_block(key.zone, server_label(host, key.port), ask, made, self.view.missing), host, key.port)
            for key in block.keys
            for host in hosts
        ]
        self._reading.update((id(block), reading) for block, _, _ in blocks)
        return blocks

    def _routes_of(self, blocks: tuple[Block, ...]) -> Routes:
        for routes in self._routes:
            if routes.blocks == blocks:
                return routes
        rooms = [room for block in blocks for room in self._reading[id(block)]]
        routes = Routes(blocks, _Classifier(rooms))
        self._routes.append(routes)
        return routes

    def reclassify(self) -> None:
        """A policy now reads other facts of clients."""
        for routes in self._routes:
            classify = routes.classify
            assert isinstance(classify, _Classifier)
            classify.renew()

    def changed(self, rests: Dependencies) -> None:
        """Something answers rest on has moved."""
        for cached in self.rooms.caches:
            cached.changed(rests)

    async def start(self) -> None:
        """Start all rooms but the inherited ones. Raises ConfigError; nothing of its own is left running then."""
        started = []
        try:
            for room in self._startable():
                if not _among(room, self.rooms.inherited):
                    started.append(room)
                    await room.start()
        except BaseException:
            for room in reversed(started):
                await _end(room)
            raise

    async def drain(self) -> None:
        """Tell everyone that the server is about to stop, and let health hold that up."""
        await asyncio.gather(*(room.drain() for room in self.rooms.everything if isinstance(room, Drains)))

    async def stop(self, heir: Generation | None = None) -> None:
        """Stop all rooms, but not what `heir` goes on with."""
        kept = heir.rooms.inherited if heir is not None else []
        for room in reversed(self._startable()):
            if not _among(room, kept):
                await _end(room)

    def _startable(self) -> list[Startable]:
        return [room for room in self.rooms.everything if isinstance(room, Startable)]

    def announcement(self) -> list[str]:
        """Where it listens for which zones, in a few lines for people."""
        ports: dict[tuple[str, str], set[int]] = defaultdict(set)
        for listen in self.listens:
            ports[", ".join(dict.fromkeys(b.zone_text for b in listen.routes.blocks)), listen.ip].add(listen.port)
        places: dict[tuple[str, tuple[int, ...]], list[str]] = defaultdict(list)
        for (zones, ip), found in ports.items():
            places[zones, tuple(sorted(found))].append(ip)
        lines = [f"zones {zones} on {_where(ips)}, port {_listed(found)}" for (zones, found), ips in places.items()]
        bare = [block for block in self.plan.blocks if block.one(policy.Config) is None]
        if bare and len(bare) < len(self.plan.blocks):
            lines.append(f"beside others with a policy, none is in force for {', '.join(map(_called, bare))}")
        return lines


def _where(ips: list[str]) -> str:
    return "all addresses" if "0.0.0.0" in ips else ", ".join(ips)


def _listed(ports: tuple[int, ...]) -> str:
    return ", ".join(map(str, ports))


def _block(zone: Any, label: str, ask: Any, made: Furnished, missing: Callable[[], tuple[str, ...]]) -> Block:
    knows = any(isinstance(room, Policy) or not room.reads <= _OF_ADDRESS for room in made.plugins)
    return Block(zone, label, ask, made.observers, knows, made.udp_size, made.chaos, _view(made.view, missing))


def _view(room: view.View | None, missing: Callable[[], tuple[str, ...]]) -> View | None:
    if room is None:
        return None
    return View(room.view, room.admits, not room.reads <= _OF_ADDRESS, room.fleeting, missing)


def _called(block: BlockPlan) -> str:
    """A server block by its zones and its view."""
    zones = " ".join(zone.dotted for zone in block.zones)
    chosen = block.one(view.Config)
    return zones if chosen is None else f"{zones} (view {chosen.name})"


def _among(room: object, rooms: list[object]) -> bool:
    return any(room is other for other in rooms)


async def _end(room: Startable) -> None:
    try:
        await room.stop()
    except Exception as problem:  # noqa: BLE001 one room's fault must not keep the others from ending well
        log.warning("%s did not stop well: %s", getattr(room, "name", "a room"), problem)


class _Classifier:
    """Sorts clients into classes that no room and no policy of some blocks can tell apart."""

    def __init__(self, rooms: list[Reads]) -> None:
        self._rooms = rooms
        self.renew()

    def renew(self) -> None:
        facts: frozenset[Any] = frozenset().union(*(room.reads for room in self._rooms))
        self._project = client_projector(facts)

    def __call__(self, identity: Identity) -> tuple[Any, ...]:
        return tuple(self._project(identity))
