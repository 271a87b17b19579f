"""Remembers facts about names: nothing about clients, and nothing a policy decided."""

from __future__ import annotations

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.letters import answer_in_letters_of
from dnspolicy.chain.metrics import Labels, Metrics, ServerLabels
from dnspolicy.chain.plugin import NO_FACTS, AskNext
from dnspolicy.model.answer import Answer, Dependencies, Freshness, Reply
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.query import Query
from dnspolicy.plugins.cache.config import Config, Kind
from dnspolicy.plugins.cache.rules import FAILURE_OF_OURS, Sort, is_fact, own_ttl, sort
from dnspolicy.plugins.cache.store import Entry, Key, Store, with_ttl


class _Part:
    """One store with its bounds and labels."""

    def __init__(self, config: Config, kind: Kind, labels: ServerLabels) -> None:
        limits = config.limits(kind)
        self.longest, self.least = limits.ttl or 0, limits.minttl or 0
        self.store = Store(limits.capacity)
        self.labels: Labels = (labels.server, kind.value, labels.view, labels.zones)
        self.skipped = frozenset(from_text(zone) for zone in config.disabled(kind) or ())
        self._skipped = tuple(self.skipped)

    def keeps(self, name: Name) -> bool:
        return not _inside(name, self._skipped)

    def bounded(self, ttl: int) -> int:
        return min(max(ttl, self.least), self.longest)


def _inside(name: Name, zones: tuple[Name, ...]) -> bool:
    for zone in zones:  # noqa: SIM110 any() takes three times as long, and this is on the way of every query
        if name.under(zone):
            return True
    return False


class _Counters:
    def __init__(self, metrics: Metrics) -> None:
        by_type = ("server", "type", "view", "zones")
        plain = ("server", "view", "zones")
        self.entries = metrics.gauge("coredns_cache_entries", "The number of elements in the cache.", by_type)
        self.hits = metrics.counter("coredns_cache_hits_total", "The count of cache hits.", by_type)
        self.evictions = metrics.counter("coredns_cache_evictions_total", "The count of cache evictions.", by_type)
        self.requests = metrics.counter("coredns_cache_requests_total", "The count of cache requests.", plain)
        self.misses = metrics.counter(
            "coredns_cache_misses_total",
            "The count of cache misses. Deprecated, derive misses from cache hits/requests counters.",
            plain,
        )


class Cache:
    """One `cache` directive. Belongs to one event loop.

    Call `changed` with every set of dependencies that moved: entries that rest on one of them are gone when it
    returns, and an answer that was being made meanwhile is not kept.
    """

    name = "cache"
    reads = NO_FACTS

    def __init__(self, config: Config, *, clock: Clock, metrics: Metrics, labels: ServerLabels | None = None) -> None:
        labels = labels or ServerLabels()
        self._clock = clock
        self._zones = tuple(from_text(zone) for zone in config.zones)
        self._servfail = config.servfail
        self._success = _Part(config, Kind.SUCCESS, labels)
        self._denial = _Part(config, Kind.DENIAL, labels)
        self._labels: Labels = (labels.server, labels.view, labels.zones)
        self._counters = _Counters(metrics)
        metrics.before_collect(self._count_entries)
        self._changes = 0
        self._never = tuple(self._success.skipped & self._denial.skipped)
        parts = (self._success, self._denial)
        self._bounds = max(p.least for p in parts), min(p.longest for p in parts)

    def changed(self, rests: Dependencies) -> None:
        """Forget what rests on any of these."""
        self._changes += 1
        for part in (self._success, self._denial):
            part.store.changed(rests)

    def _count_entries(self) -> None:
        for part in (self._success, self._denial):
            self._counters.entries.set(len(part.store), part.labels)

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        """Answer from memory, or ask on and remember. A reply that is passed on has its TTLs capped already."""
        if self._zones and not _inside(query.name, self._zones):
            return await ask_next(query, ctx)
        counters = self._counters
        counters.requests.inc(self._labels)
        if self._never and _inside(query.name, self._never):
            reply = await ask_next(query, ctx)
            return self._bounded(query, reply) if isinstance(reply, Answer) else reply
        edns = query.edns
        key = (query.name.key, query.qtype, query.qclass, edns is not None and edns.do, query.cd)
        now = self._clock.monotonic()
        for part in (self._success, self._denial):
            entry = part.store.get(key, now)
            if entry is not None:
                counters.hits.inc(part.labels)
                answer = entry.show(now)
                return answer if entry.name.wire == query.name.wire else answer_in_letters_of(query.name, answer)
        counters.misses.inc(self._labels)
        changes = self._changes
        reply = await ask_next(query, ctx)
        return self._take(key, query, reply, changes) if isinstance(reply, Answer) else reply

    def _bounded(self, query: Query, answer: Answer) -> Answer:
        """The answer of a name that is never kept, with its TTLs bounded like all others."""
        least, longest = self._bounds
        if all(least <= record.ttl <= longest for record in answer.answer + answer.authority):
            return answer
        kind = sort(query, answer)
        if kind is not Sort.SUCCESS and kind is not Sort.DENIAL:
            return answer
        found = own_ttl(query, answer)
        if found is None:
            return answer
        part = self._success if kind is Sort.SUCCESS else self._denial
        ttl = part.bounded(found)
        return answer if ttl == found else with_ttl(answer, ttl)

    def _take(self, key: Key, query: Query, answer: Answer, changes: int) -> Answer:
        """Bound the TTLs of a new answer, and keep it when it may be kept."""
        kind = sort(query, answer)
        if kind is Sort.OTHER:
            return answer
        if kind is Sort.FAILURE:
            return self._take_failure(key, query, answer)
        part = self._success if kind is Sort.SUCCESS else self._denial
        found = own_ttl(query, answer)
        if found is None:
            return answer
        ttl = part.bounded(found)
        unmoved = changes == self._changes or not answer.fresh.rests
        if ttl and unmoved and is_fact(answer) and part.keeps(query.name):
            seconds = float(ttl) if not answer.fresh.ttl else min(float(ttl), answer.fresh.ttl)
            return self._keep(part, key, query, answer, ttl, seconds)
        return with_ttl(answer, ttl)

    def _take_failure(self, key: Key, query: Query, answer: Answer) -> Answer:
        seconds = self._servfail if answer.upstream else min(self._servfail, FAILURE_OF_OURS)
        if not seconds or not is_fact(answer) or not self._denial.keeps(query.name):
            return answer
        return self._keep(self._denial, key, query, answer, int(seconds), seconds)

    def _keep(self, part: _Part, key: Key, query: Query, answer: Answer, ttl: int, seconds: float) -> Answer:
        now = self._clock.monotonic()
        kept = with_ttl(answer, ttl, Freshness(seconds, answer.fresh.rests, now))
        evicted = part.store.put(key, Entry(query.name, kept, ttl, now, now + seconds))
        if evicted:
            self._counters.evictions.inc(part.labels, evicted)
        return kept
