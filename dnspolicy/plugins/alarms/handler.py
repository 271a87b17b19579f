"""The room: sees every question, counts those for names outside of the cluster, raises alarms and ends them."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.observer import Outcome
from dnspolicy.cluster.alarms import subject_of
from dnspolicy.cluster.index import Index
from dnspolicy.model.identity import Alarm
from dnspolicy.model.name import Name, from_text, label_text
from dnspolicy.model.query import Via
from dnspolicy.model.rr import Class
from dnspolicy.model.verdict import Phase
from dnspolicy.plugins.alarms.clients import MANY, Client, Clients, Labels, On
from dnspolicy.plugins.alarms.config import Config
from dnspolicy.plugins.alarms.counts import Measured, places_for

log = logging.getLogger("dnspolicy.alarms")
PAUSE = 0.5
"""Seconds between two looks for alarms that end."""
_ARPA: dict[Labels, int] = {(b"in-addr", b"arpa"): 4, (b"ip6", b"arpa"): 10}
"""Labels of a domain among the names of addresses: a /16, and a /32."""
_IN = int(Class.IN)


class Alarms:
    """Watches the clients of one server block. `zones` are those of the cluster, whose names do not count.

    What it says of a client becomes part of its identity in `index`. Before `start` that happens when `tell` is called.
    """

    every = False

    def __init__(self, config: Config, *, zones: Sequence[Name], index: Index, clock: Clock, metrics: Metrics) -> None:
        self.config = config
        self.index = index
        self.zones = tuple(zones)
        self._outside = _outside(self.zones, tuple(map(from_text, config.except_)))
        self._clock = clock
        self._half = config.window / 2
        self._places = places_for(config.names)
        self._secret = secrets.randbits(62)  # nobody can choose names that share a place
        self._clients = Clients(config.clients, self._gone)
        self._on: set[Client] = set()
        self._news: dict[Client, None] = {}
        self._task: asyncio.Task[None] | None = None
        self._raised = metrics.counter("dnspolicy_alarms_raised_total", "Alarms raised about clients.", ("reason",))
        self._evicted = metrics.counter("dnspolicy_alarms_evictions_total", "Clients let go of for want of room.")
        self._crowded = metrics.counter(
            "dnspolicy_alarms_crowded_total", "Questions of clients with more domains than have places of their own."
        )
        active = metrics.gauge("dnspolicy_alarms_active", "Alarms that are on.")
        clients = metrics.gauge("dnspolicy_alarms_clients", "Clients whose outside names are counted.")
        self._measures = (
            metrics.before_collect(lambda: active.set(sum(len(client.alarms) for client in self._on))),
            metrics.before_collect(lambda: clients.set(len(self._clients))),
        )

    async def start(self) -> None:
        """Look for alarms that end, from now on."""
        self._task = asyncio.create_task(self._look(), name="alarms")

    async def stop(self) -> None:
        """End all alarms."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        self.index.calm(self)
        for end in self._measures:
            end()

    def seen(self, outcome: Outcome) -> None:
        self._count(outcome, 1)

    def repeated(self, outcome: Outcome, count: int, first: float, last: float, seconds: float) -> None:
        self._count(outcome, count)  # the first of them too may be from memory, where another client's question left it

    def _count(self, outcome: Outcome, count: int) -> None:
        for labels in self._names(outcome):
            self._note(outcome, labels, count)
        if self._news and self._task is not None:
            self._task.get_loop().call_soon(self.tell)  # others are in the middle of what an identity is part of

    def _names(self, outcome: Outcome) -> list[Labels]:
        """What was asked for outside: the name itself, and those a search list or a rewrite made of it."""
        query = outcome.query
        labels = query.name.labels
        found = [labels] if query.qclass == _IN and self._outside(labels) else []
        for judged in outcome.judgements:
            if judged.about is not query.name and judged.phase is Phase.QUERY and judged.via is not Via.CNAME:
                labels = judged.about.labels
                if labels not in found and self._outside(labels):
                    found.append(labels)
        return found

    def _note(self, outcome: Outcome, labels: Labels, count: int) -> None:
        size = _ARPA.get(labels[-2:], self.config.domain_labels)
        if len(labels) <= size:
            return
        now = self._clock.monotonic()
        client = self._clients.find(subject_of(outcome.identity))
        domain = client.place(labels[-size:], now, self._half, self.config.domains)
        if domain is MANY:
            self._crowded.inc()
        counts = client.of(domain)
        assert counts is not None
        counts.turn(now, self._half)
        new = counts.add(hash((self._secret, labels)) % self._places, b"".join(labels[:-size]), count)
        if (new or self.config.queries is not None) and domain not in client.alarms:
            measured = counts.measured(self._places)
            reason = self._reason(measured)
            if reason:
                self._raise(client, domain, measured, reason, now)

    def _reason(self, measured: Measured) -> str:
        """What is unusual, if anything is."""
        config = self.config
        if measured.bytes >= config.bytes:
            return "bytes"
        if measured.names >= config.names and (
            measured.length >= config.length or measured.entropy >= config.entropy
        ):  # fmt: skip
            return "names"
        return "queries" if config.queries is not None and measured.queries >= config.queries else ""

    def _raise(self, client: Client, domain: Labels, measured: Measured, reason: str, now: float) -> None:
        alarm = self._alarm(domain, measured, int(self._clock.wall()))
        client.alarms[domain] = On(alarm, now + self.config.hold)
        self._on.add(client)
        self._news[client] = None
        self._raised.inc((reason,))
        log.warning(
            "alarm: %s asks for %d names with %d bytes below %s, entropy %.1f",
            ascii("/".join(client.subject))[1:-1], alarm.names, alarm.bytes, alarm.domain, alarm.entropy,
        )  # fmt: skip

    def _alarm(self, domain: Labels, measured: Measured, since: int) -> Alarm:
        until = int(self._clock.wall() + self.config.hold)
        name = "*" if domain is MANY else ".".join(map(label_text, domain))
        return Alarm(
            name, since, until, measured.names, measured.bytes, round(measured.length), round(measured.entropy, 2)
        )

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            self.expire()

    def expire(self) -> None:
        """End the alarms whose time has come; where names are still as unusual, they are renewed."""
        now = self._clock.monotonic()
        for client in tuple(self._on):
            for domain, on in tuple(client.alarms.items()):
                if now >= on.until:
                    self._end_or_renew(client, domain, on, now)
            if not client.alarms:
                self._on.discard(client)
        self.tell()

    def _end_or_renew(self, client: Client, domain: Labels, on: On, now: float) -> None:
        counts = client.of(domain)
        assert counts is not None
        counts.turn(now, self._half)
        measured = counts.measured(self._places)
        self._news[client] = None
        if self._reason(measured):
            client.alarms[domain] = On(self._alarm(domain, measured, on.alarm.since), now + self.config.hold)
        else:
            del client.alarms[domain]

    def tell(self) -> None:
        """Make the alarms that are new, and the end of those that are over, part of identities."""
        news, self._news = self._news, {}
        for client in news:
            self.index.alarm(client.subject, self, tuple(on.alarm for on in client.alarms.values()))

    def _gone(self, client: Client) -> None:
        self._evicted.inc()
        if client.alarms:
            client.alarms.clear()
            self._on.discard(client)
            self._news[client] = None


def _outside(zones: Sequence[Name], left_out: Sequence[Name]) -> Callable[[Labels], bool]:
    """Whether a name is neither in one of the zones nor below one of the others."""
    inside = {zone.labels for zone in (*zones, *left_out)}
    if () in inside:
        return lambda labels: False
    sizes = sorted({len(labels) for labels in inside})
    lasts = {labels[-1:] for labels in inside}

    def outside(labels: Labels) -> bool:
        if labels[-1:] not in lasts:
            return True
        return not any(labels[-size:] in inside for size in sizes if size <= len(labels))

    return outside
