"""The room: judges a query by its name, its type and the address it comes from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Counter, Metrics, ServerLabels
from dnspolicy.chain.plugin import NO_FACTS, AskNext, Concerns
from dnspolicy.chain.zones import inside
from dnspolicy.cluster.addresses import packed
from dnspolicy.model.answer import STABLE, Answer, Drop, EdeCode, ExtendedError, Reply
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.acl.config import Action, Config, Rule
from dnspolicy.plugins.acl.networks import Networks

NAME = "acl"
_ALLOW = Action.ALLOW
_ZONED = ("server", "zone", "view")
_REPLIES: dict[Action, Reply] = {
    Action.BLOCK: Answer(Rcode.REFUSED, ede=(ExtendedError(EdeCode.BLOCKED),), made_by=NAME, fresh=STABLE),
    Action.FILTER: Answer(Rcode.NOERROR, ede=(ExtendedError(EdeCode.FILTERED),), made_by=NAME, fresh=STABLE),
    Action.DROP: Drop("acl", NAME),
}


class _Test(msgspec.Struct, frozen=True):
    """A rule, ready to be asked. `types` and `networks` are None where all match."""

    action: Action
    types: frozenset[int] | None
    networks: Networks | None


class _List(msgspec.Struct, frozen=True):
    """One `acl` directive."""

    zones: tuple[Name, ...]
    tests: tuple[_Test, ...]

    def zone_of(self, name: Name) -> Name | None:
        """The longest zone that holds a name."""
        for zone in self.zones:
            if name.under(zone):
                return zone
        return None

    def judge(self, qtype: int, address: bytes) -> Action | None:
        """What the first rule that matches says; None when none does."""
        for test in self.tests:
            if (test.types is None or qtype in test.types) and (test.networks is None or test.networks.hold(address)):
                return test.action
        return None


class Acl:
    """All `acl` directives of one server block, each with its zones; `allow` in one ends the checks of all.

    An address that cannot be read is blocked.
    """

    name = NAME

    def __init__(
        self, lists: Sequence[tuple[Config, tuple[Name, ...]]], *, metrics: Metrics, labels: ServerLabels
    ) -> None:
        self._lists = tuple(_list(config, zones) for config, zones in lists)
        by_address = any(test.networks is not None for held in self._lists for test in held.tests)
        self.reads = frozenset({("ip",)}) if by_address else NO_FACTS
        self._labels = labels
        self._passed = (labels.server, labels.view)
        self._allowed = metrics.counter(
            "coredns_acl_allowed_requests_total", "Queries that acl let pass.", ("server", "view")
        )
        self._counters: dict[Action, Counter] = {
            Action.BLOCK: metrics.counter("coredns_acl_blocked_requests_total", "Queries that acl refused.", _ZONED),
            Action.FILTER: metrics.counter(
                "coredns_acl_filtered_requests_total", "Queries that acl answered with nothing.", _ZONED
            ),
            Action.DROP: metrics.counter("coredns_acl_dropped_requests_total", "Queries that acl left alone.", _ZONED),
        }

    @property
    def concerns(self) -> Concerns | None:
        """Queries in zones of the lists; all others are allowed."""
        judged = inside(zone for held in self._lists for zone in held.zones)
        if judged is None:
            return None
        allow, passed = self._allowed.inc, self._passed

        def concerns(query: Query) -> bool:
            if judged(query):
                return True
            allow(passed)
            return False

        return concerns

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        action, zone = self._judge(query, ctx.source)
        reply = None if action is _ALLOW else _REPLIES.get(action)
        if reply is None:
            self._allowed.inc(self._passed)
            return await ask_next(query, ctx)
        text = "." if zone is None else zone.dotted
        self._counters[action].inc((self._labels.server, text, self._labels.view))
        return reply

    def _judge(self, query: Query, source: str) -> tuple[Action, Name | None]:
        """What becomes of a query, and the zone of the directive that says so."""
        address: bytes | None = None
        for held in self._lists:
            zone = held.zone_of(query.name)
            if zone is not None:
                address = _packed(source) if address is None else address
                action = held.judge(query.qtype, address) if address else Action.BLOCK
                if action is not None:
                    return action, zone
        return _ALLOW, None


def _packed(source: str) -> bytes:
    """The bytes of an address, none when it cannot be read."""
    try:
        return packed(source)
    except ValueError:
        return b""


def _list(config: Config, zones: tuple[Name, ...]) -> _List:
    return _List(tuple(sorted(zones, key=lambda zone: -len(zone.labels))), tuple(map(_test, config.rules)))


def _test(rule: Rule) -> _Test:
    return _Test(rule.action, rule.types, None if rule.networks is None else Networks(rule.networks))
