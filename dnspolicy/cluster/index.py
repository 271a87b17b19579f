"""The one implementation of `ClusterView`: all objects, and who is told when what rests on them moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.addresses import canonical
from dnspolicy.cluster.alarms import Alarms, Subject
from dnspolicy.cluster.identity import Identities
from dnspolicy.cluster.moves import Change, Touched, shown
from dnspolicy.cluster.objects import (
    Endpoint,
    EndpointSlice,
    Kind,
    Namespace,
    Node,
    Object,
    ObjectKey,
    Pod,
    Service,
    key_of,
)
from dnspolicy.cluster.tables import Tables
from dnspolicy.cluster.targets import Targets
from dnspolicy.cluster.view import Listener
from dnspolicy.cluster.waiting import Waiting
from dnspolicy.model.answer import NOTHING, Dependencies, Dependency, Rests
from dnspolicy.model.identity import Alarm, ClientKind, Identity
from dnspolicy.model.name import Name
from dnspolicy.model.target import Target

SYNC: Dependency = (Rests.CLUSTER, "sync")
NETWORKS: Dependency = (Rests.CLUSTER, "networks")
"""Which addresses could be pods: moves the identities of addresses nobody holds, also of those not remembered here."""
SERIAL: Dependency = (Rests.SERIAL, "cluster")


class Index:
    """Filled by a source through `apply`, read by rooms through `ClusterView`; all on the event loop's thread.

    `kinds` are the kinds a source will load; `missing` names those not loaded yet.
    """

    def __init__(self, clock: Clock, metrics: Metrics, kinds: Iterable[Kind] = tuple(Kind)) -> None:
        self._clock = clock
        self._tables = Tables()
        self._missing = dict.fromkeys(kinds)
        self._reasons: dict[Kind, str] = {}
        self._alarms = Alarms(self._tables)
        self._identities = Identities(self._tables, lambda: not self._missing, self._alarms)
        self._targets = Targets(self._tables)
        self._waiting = Waiting(clock)
        self._listeners: list[Listener] = []
        self._serial = int(clock.wall())
        self._objects = metrics.gauge("dnspolicy_cluster_objects", "Objects in the cluster index.", ("kind",))
        self._count()

    def apply(
        self, changed: Iterable[Object], removed: Iterable[ObjectKey] = (), loaded: Iterable[Kind] = ()
    ) -> Dependencies:
        """Take in one consistent change and tell listeners, once, what moved; `loaded` kinds are complete with it.

        Removals come first, so an object in both is replaced. Objects equal to what is there move nothing.
        """
        changes = self._changes(changed, removed)
        loading = [kind for kind in loaded if kind in self._missing]
        if not changes and not loading:
            return NOTHING
        touched = Touched(self._tables, changes)
        before, networks, synced = touched.facts(self._identities), self._tables.networks.known(), not self._missing
        for old, new in changes:
            if old is not None:
                self._tables.drop(old)
            if new is not None:
                self._tables.add(new)
        for kind in loading:
            del self._missing[kind]
        after = touched.facts(self._identities)
        moved: set[Dependency] = {what for what, fact in before.items() if after[what] != fact}
        if loading:
            moved.add(SYNC)
        if networks != self._tables.networks.known() or synced == bool(self._missing):
            moved.add(NETWORKS)
            moved |= self._strangers_moved()
        if shown(changes) and self._serial < int(self._clock.wall()):
            self._serial = int(self._clock.wall())
            moved.add(SERIAL)
        self._count()
        return self._announce(frozenset(moved))

    def alarm(self, subject: Subject, by: object, alarms: tuple[Alarm, ...]) -> Dependencies:
        """The alarms that `by` has about a subject from now on, told to listeners as identities that moved."""
        self._alarms.put(subject, by, alarms)
        return self._announce(frozenset((Rests.IP, address) for address in self._alarms.addresses(subject)))

    def calm(self, by: object) -> None:
        """End all alarms of one source."""
        for subject in self._alarms.by(by):
            self.alarm(subject, by, ())

    def _changes(self, changed: Iterable[Object], removed: Iterable[ObjectKey]) -> list[Change]:
        """Old and new of every object that really differs."""
        wanted: dict[ObjectKey, Object | None] = {}
        for key in removed:
            old = self._tables.get(key)
            if old is not None and not (key.uid and isinstance(old, Pod) and old.uid != key.uid):
                wanted[key_of(old)] = None
        for item in changed:
            wanted[key_of(item)] = item
        pairs = [(self._tables.get(key), new) for key, new in wanted.items()]
        return [(old, new) for old, new in pairs if old != new]

    def _strangers_moved(self) -> set[Dependency]:
        find = self._identities.find
        return {
            (Rests.IP, address)
            for address, identity in self._identities.strangers().items()
            if (now := find(address)).kind is not identity.kind or now.why != identity.why
        }

    def _announce(self, moved: Dependencies) -> Dependencies:
        if not moved:
            return NOTHING
        addresses = [key for kind, key in moved if kind is Rests.IP]
        self._identities.forget(addresses)
        self._targets.forget(moved)
        self._waiting.wake(a for a in addresses if self.identify(a).kind is not ClientKind.UNKNOWN)
        with ExitStack() as told:  # every listener hears of it, also when another one fails
            for listener in reversed(self._listeners):
                told.callback(listener, moved)
        return moved

    def _count(self) -> None:
        for kind, count in self._tables.counts().items():
            self._objects.set(count, (kind.value,))

    @property
    def serial(self) -> int:
        return self._serial

    def missing(self) -> tuple[str, ...]:
        return tuple([kind.value for kind in self._missing]) if self._missing else ()

    def explain(self, kind: Kind, reason: str) -> None:
        """Why a kind is not loaded, if it is not; empty when there is nothing to say."""
        self._reasons[kind] = reason

    def waits_for(self) -> tuple[str, ...]:
        kinds: dict[str, list[str]] = {}
        for kind in self._missing:
            kinds.setdefault(self._reasons.get(kind, ""), []).append(kind.value)
        return tuple(", ".join(named) + (f" ({reason})" if reason else "") for reason, named in kinds.items())

    def find(self, key: ObjectKey) -> Object | None:
        """The object of that kind, namespace and name."""
        return self._tables.get(key)

    def held(self, kind: Kind) -> Iterator[Object]:
        """All objects of a kind, in no order."""
        return self._tables.all(kind)

    def namespace(self, name: str) -> Namespace | None:
        return self._tables.namespaces.get(name)

    def service(self, namespace: str, name: str) -> Service | None:
        return self._tables.services.get((namespace, name))

    def services(self) -> tuple[Service, ...]:
        return tuple(service for _, service in sorted(self._tables.services.items()))

    def slices(self, namespace: str, service: str) -> tuple[EndpointSlice, ...]:
        return self._tables.slices_of.get((namespace, service))

    def node(self, name: str) -> Node | None:
        return self._tables.nodes.get(name)

    def pod(self, namespace: str, name: str) -> Pod | None:
        return self._tables.pod(namespace, name)

    def services_at(self, address: str) -> tuple[Service, ...]:
        return self._tables.services_at.get(address)

    def endpoints_at(self, address: str) -> tuple[tuple[EndpointSlice, Endpoint], ...]:
        return self._tables.endpoints_at.get(address)

    def pods_at(self, address: str) -> tuple[Pod, ...]:
        return self._tables.pods_at(address)

    def holders_at(self, address: str) -> tuple[Pod, ...]:
        return self._tables.holders_at(address)

    def identify(self, address: str) -> Identity:
        return self._identities.identify(address)

    async def await_identity(self, address: str, seconds: float) -> Identity:
        found = self._identities.identify(address)
        if found.kind is not ClientKind.UNKNOWN or not found.ip:
            return found
        try:
            text = canonical(address)
        except ValueError:
            return found
        await self._waiting.wait(text, seconds)
        return self._identities.identify(text)

    def targets(self, name: Name, zones: tuple[Name, ...], endpoints: bool) -> tuple[Target, ...]:
        return self._targets.find(name, zones, endpoints)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end
