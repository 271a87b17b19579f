"""The room: answers AXFR and IXFR from the rooms that hold zones, for those who may have them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from ipaddress import ip_address

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.plugin import NO_FACTS, AskNext
from dnspolicy.chain.transfer import Announces, TransferSource
from dnspolicy.model.answer import ONCE, STABLE, Answer, EdeCode, ExtendedError, Reply
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query, Transport
from dnspolicy.model.rr import TRANSFERS, Rcode, Type
from dnspolicy.plugins.transfer.config import Config
from dnspolicy.plugins.transfer.notify import Notifier

_log = logging.getLogger(__name__)
_MADE_BY = "transfer"
_OVER_UDP = Answer(
    Rcode.REFUSED, ede=(ExtendedError(EdeCode.OTHER, "zones are sent over TCP"),), made_by=_MADE_BY, fresh=STABLE
)
_NOT_ALLOWED = Answer(
    Rcode.REFUSED,
    ede=(ExtendedError(EdeCode.PROHIBITED, "this zone is not for this address"),),
    made_by=_MADE_BY,
    fresh=ONCE,
)
_NOT_LOADED = Answer(
    Rcode.SERVFAIL, ede=(ExtendedError(EdeCode.NOT_READY, "the zone is not loaded"),), made_by=_MADE_BY, fresh=ONCE
)
_NO_SERIAL = Answer(
    Rcode.SERVFAIL, ede=(ExtendedError(EdeCode.OTHER, "an IXFR brings the SOA it holds"),), made_by=_MADE_BY, fresh=ONCE
)


class _Rule:
    """One directive: who may have which zones."""

    def __init__(self, config: Config, origins: tuple[Name, ...], notifier: Notifier) -> None:
        self.zones = tuple(map(from_text, config.zones)) or origins
        self.secondaries = config.secondaries
        self.notifier = notifier
        self._anybody = config.anybody
        self._networks = config.networks

    def covers(self, name: Name) -> int:
        """The labels of the longest zone that holds a name; -1 when none does."""
        return max((len(zone.labels) for zone in self.zones if name.under(zone)), default=-1)

    def allows(self, source: str) -> bool:
        if self._anybody:
            return True
        address = ip_address(source)
        return any(address in network for network in self._networks)


class Transfer:
    """All `transfer` directives of one server block; the one with the longest zone holds.

    `sources` are the rooms of the block that hold zones; the list is filled when all of them are built. Those that
    announce changes are told on to the secondaries, also at the start. `origins`: the zones of the server block.
    """

    name = "transfer"
    reads = NO_FACTS

    def __init__(self, configs: Sequence[Config], *, origins: tuple[Name, ...], metrics: Metrics) -> None:
        self.sources: list[TransferSource] = []
        sent = metrics.counter(
            "dnspolicy_transfer_notifies_total", "Announcements of a changed zone, by how they ended.", ("result",)
        )
        self._served = metrics.counter("dnspolicy_transfers_total", "Zones handed out.", ("zone",))
        self._rules = tuple(_Rule(config, origins, Notifier(config.source, sent)) for config in configs)

    async def start(self) -> None:
        for source in self.sources:
            if isinstance(source, Announces):
                source.announce_to(self.announce)
                for zone in source.zones():
                    self.announce(zone)

    async def stop(self) -> None:
        for rule in self._rules:
            await rule.notifier.stop()

    def announce(self, zone: Name) -> None:
        """Tell the secondaries of a zone that it has changed. Returns at once."""
        rule = self._rule_for(zone)
        if rule is not None:
            rule.notifier.notify(zone, rule.secondaries)

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        if query.qtype not in TRANSFERS:
            return await ask_next(query, ctx)
        if query.transport is not Transport.TCP:
            return _OVER_UDP
        rule = self._rule_for(query.name)
        if rule is None:
            return await ask_next(query, ctx)
        if not rule.allows(ctx.source):
            return _NOT_ALLOWED
        if query.qtype == Type.IXFR and query.serial is None:
            return _NO_SERIAL
        source = next((source for source in self.sources if query.name in source.zones()), None)
        return self._hand_out(query, ctx, source) if source is not None else await ask_next(query, ctx)

    def _rule_for(self, name: Name) -> _Rule | None:
        best = max(self._rules, key=lambda rule: rule.covers(name))
        return best if best.covers(name) >= 0 else None

    def _hand_out(self, query: Query, ctx: QueryContext, source: TransferSource) -> Answer:
        serial = source.serial(query.name)
        records = source.transfer(query.name)
        if records is None or serial is None:
            return _NOT_LOADED
        if query.qtype == Type.IXFR and query.serial == serial:
            return Answer(Rcode.NOERROR, records[:1], aa=True, made_by=_MADE_BY, fresh=ONCE)
        _log.info("transfer: %d records of %s, serial %d, to %s", len(records), query.name, serial, ctx.source)
        self._served.inc((f"{query.name}.",))
        return Answer(Rcode.NOERROR, records, aa=True, made_by=_MADE_BY, fresh=ONCE, transfer=True)
