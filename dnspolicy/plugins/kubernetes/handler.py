"""The room: answers names in its zones, and asks on where the configuration says so."""

from __future__ import annotations

from collections.abc import Callable

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metadata import Subject
from dnspolicy.chain.plugin import NO_FACTS, AskNext, ClientFact
from dnspolicy.cluster.view import ClusterView
from dnspolicy.model.answer import Answer, Dependencies, EdeCode, ExtendedError, Freshness, Reply
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.identity import Identity
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import TRANSFERS, Class, Rcode, Record
from dnspolicy.plugins.kubernetes.aliases import Aliases
from dnspolicy.plugins.kubernetes.config import Config, PodMode
from dnspolicy.plugins.kubernetes.exposed import Exposed
from dnspolicy.plugins.kubernetes.found import NAME, SERIAL, Missing
from dnspolicy.plugins.kubernetes.labels import Labels
from dnspolicy.plugins.kubernetes.nameservers import Nameservers
from dnspolicy.plugins.kubernetes.quirks import QuirkyAliases, QuirkyTree
from dnspolicy.plugins.kubernetes.reverse import Reverse
from dnspolicy.plugins.kubernetes.searching import Searching
from dnspolicy.plugins.kubernetes.transfers import Transfers
from dnspolicy.plugins.kubernetes.tree import Tree
from dnspolicy.plugins.kubernetes.zone import Zone, Zones

_IN, _NXDOMAIN = int(Class.IN), int(Rcode.NXDOMAIN)
_REFUSED = Answer(Rcode.REFUSED, made_by=NAME, fresh=Freshness())
_NOT_READY = (ExtendedError(EdeCode.NOT_READY, "the cluster is not loaded yet"),)
_OF_SERIAL = Freshness(None, frozenset((SERIAL,)))


class Kubernetes:
    """One `kubernetes` directive. `zones` are its own or those of its server block.

    `local_addresses` are the addresses the server can be reached at, for NS records. `search` is what pods search after
    the names of the cluster. Between `start` and `stop` it
    hears of changes in `cluster` and keeps prepared answers; otherwise every answer is made anew. Raises ConfigError
    when all zones are reverse zones (reverse names point at names in the first other zone) and when one is too long.
    """

    name = NAME
    reads = NO_FACTS
    search_reads: frozenset[ClientFact] = frozenset({("namespace",)})

    def __init__(
        self,
        config: Config,
        *,
        cluster: ClusterView,
        zones: tuple[Name, ...],
        local_addresses: tuple[str, ...],
        search: tuple[Name, ...] = (),
    ) -> None:
        primary = next((zone for zone in zones if zone.labels[-1:] != (b"arpa",)), None)
        if primary is None:
            raise ConfigError("kubernetes: only reverse zones; expected a zone such as cluster.local before them")
        self._cluster = cluster
        self._zones = Zones(tuple(Zone(zone, config.ttl, cluster) for zone in zones))
        exposed = Exposed(config, cluster)
        nameservers = Nameservers(config, exposed, local_addresses)
        self._tree = Tree(config, cluster, exposed, nameservers, Reverse(config, exposed, primary))
        self._transfers = Transfers(config, cluster, exposed, nameservers, self._zones.all)
        self._find = self._tree.find if config.quirks is None else QuirkyTree(config, self._tree).find
        follow = Aliases if config.quirks is None else QuirkyAliases
        self._aliases = follow(self._zones, self._find, self._missed, config.ttl)
        verified = config.pods is PodMode.VERIFIED
        self._labels = Labels(self._zones, verified)
        self._searching = Searching(self._zones, verified, search)
        self._falls = _falls(self._zones, config.fallthrough)
        self._complete = False
        self._end: Callable[[], None] | None = None

    async def start(self) -> None:
        if self._end is None:
            self._end = self._cluster.subscribe(self._moved)
            self._tree.listen(True)

    async def stop(self) -> None:
        if self._end is not None:
            self._end()
            self._end = None
            self._tree.listen(False)

    def _moved(self, moved: Dependencies) -> None:
        self._tree.moved(moved)
        self._transfers.forget()

    def not_ready(self) -> str | None:
        missing = self._cluster.waits_for()
        return f"{', '.join(missing)} not loaded yet" if missing else None

    def zones(self) -> tuple[Name, ...]:
        """The zones that can be transferred."""
        return self._transfers.names()

    def transfer(self, zone: Name) -> tuple[Record, ...] | None:
        """All records of a zone, for `chain.transfer`; None when it is not there or not loaded."""
        return self._transfers.records(zone)

    def serial(self, zone: Name) -> int | None:
        """The serial of a zone; None when it is not there or not loaded."""
        return self._transfers.serial(zone)

    def describe(self, label: str, subject: Subject) -> str | None:
        return self._labels.describe(label, subject)

    def facts_of(self, label: str) -> frozenset[ClientFact]:
        return self._labels.facts_of(label)

    def search_path(self, identity: Identity, name: Name) -> tuple[Name, ...]:
        return self._searching.path(identity, name)

    def nxdomain(self, query: Query) -> Answer | None:
        """How any name that does not exist is answered in the zone of `query`; None outside of the zones."""
        zone = self._zones.of(query.name.labels)
        return None if zone is None else _no_such_name(query.name, zone, _OF_SERIAL)

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        name = query.name
        zone = self._zones.of(name.labels)
        if zone is None:
            return await ask_next(query, ctx)
        if query.qclass != _IN or query.qtype in TRANSFERS:
            return _REFUSED
        found = self._find(name, zone, query.qtype)
        if isinstance(found, Answer):
            return found
        if isinstance(found, Missing):
            return self._missed(name, zone, found.fresh) or await self._fall_through(query, ctx, ask_next, found.fresh)
        return await self._aliases.follow(query, ctx, zone, found)

    def _missed(self, name: Name, zone: Zone, fresh: Freshness) -> Answer | None:
        """The answer for a name that is not there; None when the rest of the chain is to be asked."""
        if not self._complete:
            if self._cluster.missing():
                return Answer(Rcode.SERVFAIL, (), (zone.soa(name),), aa=True, ede=_NOT_READY, made_by=NAME, fresh=fresh)
            self._complete = True
        falls = self._falls.get(zone)
        if falls is not None and (not falls or any(name.under(part) for part in falls)):
            return None
        return _no_such_name(name, zone, fresh)

    async def _fall_through(self, query: Query, ctx: QueryContext, ask_next: AskNext, fresh: Freshness) -> Reply:
        """Ask on. The reply holds only while the name is not here."""
        reply = await ask_next(query, ctx)
        if not isinstance(reply, Answer):
            return reply
        rests = Freshness(fresh.ttl, fresh.rests - {SERIAL}, reply.fresh.aged_since)
        return reply.changed(fresh=reply.fresh.also(rests))


def _no_such_name(name: Name, zone: Zone, fresh: Freshness) -> Answer:
    return Answer(_NXDOMAIN, (), (zone.soa(name),), aa=True, made_by=NAME, fresh=fresh)


def _falls(zones: Zones, fallthrough: tuple[str, ...] | None) -> dict[Zone, tuple[Name, ...]]:
    """The zones with names that fall through, and which: those below the given names, or all when there are none."""
    if fallthrough is None:
        return {}
    wanted = tuple(map(from_text, fallthrough or (".",)))
    found: dict[Zone, tuple[Name, ...]] = {}
    for zone in zones.all:
        parts = tuple(part for part in wanted if part.under(zone.name))
        if any(zone.name.under(part) for part in wanted):
            found[zone] = ()
        elif parts:
            found[zone] = parts
    return found
