"""One function per directive: from its typed configuration to the room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from dnspolicy.app.engines import Engines
from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import BlockPlan, Plan
from dnspolicy.chain.observer import Observer
from dnspolicy.chain.plugin import Plugin, Readiness
from dnspolicy.cluster.index import Index
from dnspolicy.model.answer import Answer, Dependencies
from dnspolicy.model.errors import ConfigError, DnsPolicyError, ManifestError, PolicyLoadError
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.plugins import (
    audit,
    cache,
    errors,
    forward,
    health,
    hosts,
    kubernetes,
    loadbalance,
    log,
    policy,
    prometheus,
    ready,
)


class Rooms:
    """Builds the rooms of all server blocks, and collects what is wrong with them.

    `everything` is all that was built, for start, stop and readiness. `changed` is told what moved, `reclassify` when a
    policy may read other facts of clients. `view` is the cluster that says who is asking: that of the first
    `kubernetes` directive.
    """

    def __init__(
        self, plan: Plan, parts: Parts, changed: Callable[[Dependencies], None], reclassify: Callable[[], None]
    ) -> None:
        self._plan = plan
        self._parts = parts
        self._changed = changed
        self.engines = Engines(plan, parts, changed, reclassify)
        self.everything: list[Any] = []
        self.caches: list[cache.Cache] = []
        self.problems: list[str] = []
        self.fold = float(audit.Config(stdout=True).fold)
        self._clusters: dict[int, tuple[kubernetes.Config, Index]] = {}
        self.cluster_zones: tuple[Name, ...] = ()
        self.cluster_rooms: list[kubernetes.Kubernetes] = []
        for block in plan.blocks:
            self._open_clusters(block)
        self.view = next((index for _, index in self._clusters.values()), None) or parts.no_cluster()

    @contextmanager
    def at(self, block: BlockPlan, config: object) -> Iterator[None]:
        """Note a problem with a directive instead of raising it."""
        try:
            yield
        except DnsPolicyError as problem:
            placed = isinstance(problem, ManifestError | PolicyLoadError)
            self.problems.append(str(problem) if placed else f"{block.directive(config).at}: {problem}")

    def _open_clusters(self, block: BlockPlan) -> None:
        for config in block.all(kubernetes.Config):
            with self.at(block, config):
                complaint = config.no_source()
                if complaint is not None:
                    raise ConfigError(complaint)
                folder = self._plan.path(config.manifests) if config.manifests else None
                self._clusters[id(config)] = (config, self._parts.source(folder).index)
                zones = tuple(map(from_text, config.zones)) or block.zones
                self.cluster_zones = tuple(dict.fromkeys(self.cluster_zones + zones))

    def of(self, block: BlockPlan, own: tuple[str, ...], servers: str) -> tuple[list[Plugin], list[Observer]]:
        """The rooms and observers of one server block. `own` are its addresses, `servers` its label."""
        plugins: list[Plugin] = []
        observers: list[Observer] = []
        builders: dict[type, Callable[[Any], Any]] = {
            audit.Config: lambda c: self._audit(c),
            cache.Config: lambda c: self._cache(c, block, servers),
            errors.Config: lambda c: errors.Errors(
                c, write=self._parts.err, clock=self._parts.clock, metrics=self._parts.metrics
            ),
            forward.Config: lambda c: forward.Forward(c, forwarder=self._parts.forwarder, clock=self._parts.clock),
            health.Config: lambda c: health.Health(c, listeners=self._parts.listeners, metrics=self._parts.metrics),
            hosts.Config: lambda c: self._hosts(c, block),
            kubernetes.Config: lambda c: self._kubernetes(c, block, own),
            loadbalance.Config: lambda c: loadbalance.Loadbalance(c),
            log.Config: lambda c: log.Log(c, write=self._parts.out, metrics=self._parts.metrics),
            policy.Config: lambda c: self._policy(c, block),
            prometheus.Config: lambda c: self._prometheus(c, block, servers),
            ready.Config: lambda c: ready.Ready(c, listeners=self._parts.listeners, rooms=self._readiness),
        }
        for room in block.rooms:
            builder = builders.get(type(room.config))
            if builder is None:
                continue
            with self.at(block, room.config):
                built = builder(room.config)
                self.everything.append(built)
                if isinstance(built, audit.Audit):
                    observers.append(built.observer)
                elif isinstance(built, Plugin):
                    plugins.append(built)
                elif isinstance(built, Observer):
                    observers.append(built)
        return plugins, observers

    def _audit(self, config: audit.Config) -> audit.Audit:
        self.fold = min(self.fold, config.fold) if config.fold else self.fold
        return audit.Audit(
            config,
            clock=self._parts.clock,
            metrics=self._parts.metrics,
            write=self._parts.err,
            folder=self._plan.folder,
        )

    def _cache(self, config: cache.Config, block: BlockPlan, servers: str) -> cache.Cache:
        zones = ",".join(f"{z}." if z.labels else "." for z in block.zones)
        made = cache.Cache(
            config, clock=self._parts.clock, metrics=self._parts.metrics, labels=cache.ServerLabels(servers, zones)
        )
        self.caches.append(made)
        return made

    def _hosts(self, config: hosts.Config, block: BlockPlan) -> hosts.Hosts:
        config = msgspec.structs.replace(config, file=str(self._plan.path(config.file)))
        return hosts.Hosts(config, origins=block.zones, changed=self._changed, metrics=self._parts.metrics)

    def _kubernetes(
        self, config: kubernetes.Config, block: BlockPlan, own: tuple[str, ...]
    ) -> kubernetes.Kubernetes | None:
        if id(config) not in self._clusters:
            return None  # complained about already
        made = kubernetes.Kubernetes(
            config,
            cluster=self._clusters[id(config)][1],
            zones=tuple(map(from_text, config.zones)) or block.zones,
            local_addresses=own,
        )
        self.cluster_rooms.append(made)
        return made

    def _policy(self, config: policy.Config, block: BlockPlan) -> policy.Policy:
        return policy.Policy(
            self.engines.judge(config),
            view=self.view,
            zones=self.cluster_zones,
            block_zones=block.zones,
            missing=self._missing,
            ask_upstreams=self._parts.forwarder.redirect,
        )

    def _prometheus(self, config: prometheus.Config, block: BlockPlan, servers: str) -> prometheus.Prometheus:
        zone = block.zones[0]
        return prometheus.Prometheus(
            config,
            tally=self._parts.tally,
            listeners=self._parts.listeners,
            server=servers,
            zone=f"{zone}." if zone.labels else ".",
            plugins=[r.directive.name for r in block.rooms],
        )

    def _missing(self, query: Query) -> Answer | None:
        for room in self.cluster_rooms:
            found = room.nxdomain(query)
            if found is not None:
                return found
        return None

    def _readiness(self) -> Iterator[ready.Room]:
        for room in self.everything:
            if isinstance(room, Readiness):
                yield ready.Room(room.name, room)
