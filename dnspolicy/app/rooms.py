"""The rooms of all server blocks of one configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from dnspolicy.app.addresses import server_label
from dnspolicy.app.clusters import source_of
from dnspolicy.app.directives import DIRECTIVES
from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import BlockPlan, Plan
from dnspolicy.app.site import Site
from dnspolicy.app.supply import Engines
from dnspolicy.chain.metadata import Describer, Metadata
from dnspolicy.chain.metrics import ServerLabels
from dnspolicy.chain.observer import Observer
from dnspolicy.chain.plugin import Plugin, Readiness
from dnspolicy.chain.transfer import TransferSource
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.source import ClusterSource
from dnspolicy.model.answer import Answer, Dependencies
from dnspolicy.model.errors import DnsPolicyError, ManifestError, PolicyLoadError
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.plugins import alarms, audit, bufsize, cache, chaos, kubernetes, policy, ready, transfer, view
from dnspolicy.plugins import metadata as metadata_
from dnspolicy.wire.message import OUR_SIZE


class Furnished(msgspec.Struct, frozen=True, eq=False):
    """What stands in one server block: the rooms of its chain, its observers.

    `udp_size`: the most bytes of a reply over UDP. `chaos`: there is a room for questions of class CH.
    `view`: which queries it takes beyond its zones.
    """

    plugins: tuple[Plugin, ...]
    observers: tuple[Observer, ...]
    udp_size: int
    chaos: bool
    view: view.View | None = None


class Rooms:
    """Builds the rooms of all server blocks, and collects what is wrong with them.

    `everything` is all that was built, for start, stop and readiness. `changed` is told what moved. `view` is the
    cluster that says who is asking: that of the first `kubernetes` directive. Of `before`, the rooms now in force,
    those are kept that go on as they are.
    """

    def __init__(
        self,
        plan: Plan,
        parts: Parts,
        engines: Engines,
        changed: Callable[[Dependencies], None],
        before: Rooms | None = None,
    ) -> None:
        self._plan = plan
        self._parts = parts
        self.changed = changed
        self.engines = engines
        self.judges: list[policy.Judge] = []
        self._heirlooms = [r for r in before.everything if isinstance(r, audit.Audit | alarms.Alarms)] if before else []
        self.inherited: list[object] = []
        self.everything: list[Any] = []
        self.caches: list[cache.Cache] = []
        self.problems: list[str] = []
        self.fold = float(audit.Config(stdout=True).fold)
        self._clusters: dict[int, tuple[kubernetes.Config, Index]] = {}
        self.sources: list[ClusterSource] = []
        self.startup_timeout = 0.0
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
                source = self._parts.source(source_of(config, self._plan))
                self.sources.append(source)
                self.startup_timeout = max(self.startup_timeout, float(config.startup_timeout))
                self._clusters[id(config)] = (config, source.index)
                zones = tuple(map(from_text, config.zones)) or block.zones
                self.cluster_zones = tuple(dict.fromkeys(self.cluster_zones + zones))

    def cluster_of(self, config: kubernetes.Config) -> Index | None:
        """The cluster of a `kubernetes` directive; None when its source could not be opened."""
        found = self._clusters.get(id(config))
        return found[1] if found is not None else None

    def furnish(self, block: BlockPlan, own: tuple[str, ...], hosts: tuple[str, ...]) -> Furnished:
        """Build what stands in one server block. `own` and `hosts` as in `Site`."""
        labelled = block.one(metadata_.Config)
        metadata = Metadata(labelled is not None, tuple(map(from_text, labelled.zones)) if labelled else ())
        zones = ",".join(zone.dotted for zone in block.zones)
        chosen = block.one(view.Config)
        server = server_label(next(iter(hosts), ""), block.keys[0].port)
        labels = ServerLabels(server, zones, chosen.name if chosen is not None else "")
        built: list[object] = []
        site = Site(self._parts, self, self._plan, block, own, hosts, labels, metadata, built)
        for room in sorted(block.rooms, key=lambda room: DIRECTIVES[room.directive.name].late):
            known = DIRECTIVES[room.directive.name]
            if known.build is None or (known.together and room.config is not block.all(known.config)[0]):
                continue
            with self.at(block, room.config):
                built.append(known.build(room.config, site))
        self.everything.extend(built)
        metadata.describers.extend(room for room in built if isinstance(room, Describer))
        for made in built:
            if isinstance(made, transfer.Transfer):
                made.sources.extend(source for source in built if isinstance(source, TransferSource))
        watching = [room.observer if isinstance(room, audit.Audit) else room for room in built]
        return Furnished(
            tuple(room for room in built if isinstance(room, Plugin)),
            tuple(room for room in watching if isinstance(room, Observer)),
            limit.size if (limit := block.one(bufsize.Config)) is not None else OUR_SIZE,
            block.one(chaos.Config) is not None,
            next((room for room in built if isinstance(room, view.View)), None),
        )

    def judge(self, config: policy.Config) -> policy.Judge:
        """The judge for a `policy` directive. Raises PolicyLoadError or ConfigError."""
        made = self.engines.judge(config, self._plan)
        self.judges.append(made)
        return made

    def inherit_audit(self, config: audit.Config) -> audit.Audit | None:
        """The audit log now in force with this very configuration: its stream goes on."""
        for room in self._heirlooms:
            if isinstance(room, audit.Audit) and room.config == config:
                self._heirlooms.remove(room)
                self.inherited.append(room)
                return room
        return None

    def inherit_alarms(self, config: alarms.Config) -> alarms.Alarms | None:
        """The watch now in force with this very configuration: what it has counted stays, and so do its alarms."""
        for room in self._heirlooms:
            if (
                isinstance(room, alarms.Alarms)
                and (room.config, room.zones) == (config, self.cluster_zones)
                and room.index is self.view
            ):
                self._heirlooms.remove(room)
                self.inherited.append(room)
                return room
        return None

    def missing(self, query: Query) -> Answer | None:
        """How a name that does not exist is answered in a cluster zone; None for names outside of them."""
        for room in self.cluster_rooms:
            found = room.nxdomain(query)
            if found is not None:
                return found
        return None

    def readiness(self) -> Iterator[ready.Room]:
        """The rooms that can say whether they are ready."""
        for room in self.everything:
            if isinstance(room, Readiness):
                yield ready.Room(room.name, room)
