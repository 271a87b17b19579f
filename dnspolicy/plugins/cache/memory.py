"""What a cache holds: which answers it takes in, and which of those it has for a question is the one to give."""

from __future__ import annotations

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.metrics import Labels, ServerLabels
from dnspolicy.model.answer import Answer, Dependencies, EdeCode, ExtendedError, Freshness
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode
from dnspolicy.plugins.cache.config import Config, Kind
from dnspolicy.plugins.cache.counters import Counters
from dnspolicy.plugins.cache.part import Part
from dnspolicy.plugins.cache.popularity import Popularity
from dnspolicy.plugins.cache.rules import FAILURE_OF_OURS, Sort, is_fact, may_grow_stale, own_ttl, sort
from dnspolicy.plugins.cache.store import Entry, Key, with_freshness, with_ttl


class Memory:
    """Both halves of one cache. Belongs to one event loop."""

    def __init__(self, config: Config, clock: Clock, counters: Counters, labels: ServerLabels) -> None:
        stale, prefetch = config.serve_stale, config.prefetch
        self._clock = clock
        self._counters = counters
        self._labels: Labels = (labels.server, labels.view, labels.zones)
        self._servfail = config.servfail
        self._keep_ttl = config.keepttl
        self.stale_for = float(stale.duration) if stale is not None else 0.0
        self._stale_ttl = int(stale.response_ttl) if stale is not None else 0
        self.prefer_positive = bool(self.stale_for) and config.serve_stale_policy is not None
        self.popularity = Popularity(prefetch) if prefetch is not None and prefetch.amount else None
        self.simple = self.popularity is None and not self._keep_ttl
        """Whether answers count down and hits need no counting."""
        self.success = Part(config, Kind.SUCCESS, labels)
        self.denial = Part(config, Kind.DENIAL, labels)
        self.parts = (self.success, self.denial)
        self.never = tuple(self.success.skipped & self.denial.skipped)
        self._bounds = max(p.least for p in self.parts), min(p.longest for p in self.parts)
        self.changes = 0
        """How often something that answers rest on has moved."""

    def changed(self, rests: Dependencies) -> None:
        """Forget what rests on any of these, for stale answers too."""
        self.changes += 1
        for part in self.parts:
            part.store.changed(rests)

    def find(self, key: Key, now: float) -> tuple[Part, Entry] | None:
        """What to answer with: what holds, else what is stale."""
        data, nothing = self.success.store.get(key), self.denial.store.get(key)
        if data is not None:
            if now < data.expires:
                return self.success, data
            if now >= data.gone:
                self.success.store.drop(key)
                data = None
        if nothing is not None and now < nothing.gone:
            if data is None or (now < nothing.expires and not self.prefer_positive):
                return self.denial, nothing
        elif nothing is not None:
            self.denial.store.drop(key)
        return None if data is None else (self.success, data)

    def holds(self, entry: Entry) -> bool:
        """Whether it is still here."""
        return any(part.store.get(entry.key) is entry for part in self.parts)

    def forget(self, entry: Entry) -> None:
        """Drop an entry that something newer contradicts."""
        for part in self.parts:
            if part.store.get(entry.key) is entry:
                part.store.drop(entry.key)

    def show(self, entry: Entry, now: float) -> Answer:
        """An entry that holds, as an answer."""
        if self.simple:
            return entry.show(now)
        left = entry.expires - now
        reusable = left if self.popularity is None else min(left, self.popularity.unseen(entry, now))
        if self._keep_ttl:
            return with_freshness(entry.answer, Freshness(reusable, entry.answer.fresh.rests))
        shown = entry.show(now)
        return with_freshness(shown, Freshness(reusable, shown.fresh.rests, shown.fresh.aged_since))

    def show_stale(self, entry: Entry) -> Answer:
        """An entry that is over, as an answer for once that says so (RFC 8767, RFC 8914 4.4)."""
        answer = with_ttl(entry.answer, self._stale_ttl, Freshness(0.0, entry.answer.fresh.rests))
        code = EdeCode.STALE_NXDOMAIN if answer.rcode == Rcode.NXDOMAIN else EdeCode.STALE_ANSWER
        return msgspec.structs.replace(answer, ede=(*answer.ede, ExtendedError(code)))

    def bounded(self, query: Query, answer: Answer) -> Answer:
        """The answer of a name that is never kept, with its TTLs bounded like all others."""
        least, longest = self._bounds
        for record in answer.answer + answer.authority:
            if not least <= record.ttl <= longest:
                break
        else:
            return answer
        kind = sort(query, answer)
        found = own_ttl(answer, kind)
        if found is None or kind not in (Sort.SUCCESS, Sort.DENIAL):
            return answer
        part = self.success if kind is Sort.SUCCESS else self.denial
        ttl = part.bounded(found)
        return answer if ttl == found else with_ttl(answer, ttl)

    def take(self, key: Key, query: Query, answer: Answer, changes: int) -> Answer:
        """Bound the TTLs of a new answer, and keep it when it may be kept. `changes`: how many there had been when
        it began to be made."""
        kind = sort(query, answer)
        if kind is Sort.SUCCESS:
            part = self.success
        elif kind is Sort.DENIAL:
            part = self.denial
        else:
            if kind is Sort.STRANGE:
                self._counters.drops.inc(self._labels)
            return self._take_failure(key, query, answer) if kind is Sort.FAILURE else answer
        found = own_ttl(answer, kind)
        if found is None:
            return answer
        ttl = part.bounded(found)
        unmoved = changes == self.changes or not answer.fresh.rests
        if ttl and unmoved and is_fact(answer) and part.keeps(query.name):
            seconds = float(ttl) if not answer.fresh.ttl else min(float(ttl), answer.fresh.ttl)
            return self._keep(part, key, query, answer, ttl, seconds)
        return with_ttl(answer, ttl)

    def _take_failure(self, key: Key, query: Query, answer: Answer) -> Answer:
        seconds = self._servfail if answer.upstream else min(self._servfail, FAILURE_OF_OURS)
        if not seconds or not is_fact(answer) or not self.denial.keeps(query.name):
            return answer
        return self._keep(self.denial, key, query, answer, int(seconds), seconds)

    def _keep(self, part: Part, key: Key, query: Query, answer: Answer, ttl: int, seconds: float) -> Answer:
        now = self._clock.monotonic()
        kept = with_ttl(answer, ttl, Freshness(seconds, answer.fresh.rests, now))
        entry = Entry(key, query.name, kept, ttl, now, now + seconds)
        if self.stale_for and may_grow_stale(answer):
            entry.gone += self.stale_for
        evicted = part.store.put(entry)
        if evicted:
            self._counters.evictions.inc(part.labels, evicted)
        if part is self.success:
            self.denial.store.drop(key)
        elif not self.prefer_positive:
            self.success.store.drop(key)
        return kept if self.simple else self.show(entry, now)
