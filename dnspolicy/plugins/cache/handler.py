"""Remembers facts about names: nothing about clients, and nothing a policy decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.letters import answer_in_letters_of
from dnspolicy.chain.metrics import Labels, Metrics, ServerLabels
from dnspolicy.chain.plugin import NO_FACTS, AskNext
from dnspolicy.model.answer import Answer, Dependencies, Reply
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.plugins.cache.config import Config, Mode
from dnspolicy.plugins.cache.counters import Counters
from dnspolicy.plugins.cache.memory import Memory
from dnspolicy.plugins.cache.part import inside
from dnspolicy.plugins.cache.refresh import Refreshes, ask
from dnspolicy.plugins.cache.rules import names_a_client, refreshes
from dnspolicy.plugins.cache.store import Entry


class Cache:
    """One `cache` directive. Belongs to one event loop.

    Call `changed` with every set of dependencies that moved: entries that rest on one of them are gone when it
    returns, and an answer that was being made meanwhile is not kept.
    """

    name = "cache"
    reads = NO_FACTS

    def __init__(self, config: Config, *, clock: Clock, metrics: Metrics, labels: ServerLabels | None = None) -> None:
        labels = labels or ServerLabels()
        if config.zones:
            labels = ServerLabels(labels.server, ",".join(config.zones), labels.view)
        stale = config.serve_stale
        self._clock = clock
        self._zones = tuple(from_text(zone) for zone in config.zones)
        self._labels: Labels = (labels.server, labels.view, labels.zones)
        self._counters = Counters(metrics)
        self._memory = Memory(config, clock, self._counters, labels)
        self._success, self._never, self._simple = self._memory.success, self._memory.never, self._memory.simple
        self._refreshes = Refreshes(clock)
        self._verify = stale is not None and stale.mode is Mode.VERIFY
        self._verify_timeout = float(stale.timeout) if stale is not None else 0.0
        self._recheck = float(stale.failure_recheck) if stale is not None else 0.0
        self._metrics = metrics
        self._uncount: Callable[[], None] | None = None

    def changed(self, rests: Dependencies) -> None:
        """Forget what rests on any of these."""
        self._memory.changed(rests)

    def _count_entries(self) -> None:
        for part in self._memory.parts:
            self._counters.entries.set(len(part.store), part.labels)

    async def start(self) -> None:
        """Be counted; nothing else begins before it is asked for."""
        self._uncount = self._metrics.before_collect(self._count_entries)

    async def stop(self) -> None:
        if self._uncount is not None:
            self._uncount()
            for part in self._memory.parts:
                self._counters.entries.values.pop(part.labels, None)
        await self._refreshes.stop()

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        """Answer from memory, or ask on and remember. A reply that is passed on has its TTLs capped already."""
        edns = query.edns
        if self._zones and not inside(query.name, self._zones):
            return await ask_next(query, ctx)
        if query.upstream_options or (edns is not None and edns.options and names_a_client(edns)):
            return await ask_next(query, ctx)
        self._counters.requests.inc(self._labels)
        if self._never and inside(query.name, self._never):
            reply = await ask_next(query, ctx)
            return self._memory.bounded(query, reply) if isinstance(reply, Answer) else reply
        key = (query.name.key, query.qtype, query.qclass, edns is not None and edns.do, query.cd)
        now = self._clock.monotonic()
        part = self._success
        entry = part.store.get(key)
        if entry is None or now >= entry.expires:
            found = self._memory.find(key, now)
            if found is None:
                self._counters.misses.inc(self._labels)
                changes = self._memory.changes
                reply = await ask_next(query, ctx)
                return self._memory.take(key, query, reply, changes) if isinstance(reply, Answer) else reply
            part, entry = found
        self._counters.hits.inc(part.labels)
        if self._simple and now < entry.expires:
            answer = entry.show(now)
        elif now >= entry.expires:
            return await self._stale(entry, query, ctx, ask_next)
        else:
            answer = self._show(entry, now, query, ask_next)
        return answer if entry.name.wire == query.name.wire else answer_in_letters_of(query.name, answer)

    def _show(self, entry: Entry, now: float, query: Query, ask_next: AskNext) -> Answer:
        """An entry that holds, which may be due to be fetched again."""
        popularity = self._memory.popularity
        if popularity is not None and popularity.count(entry, now):
            self._prefetch(entry, query, ask_next)
        return self._memory.show(entry, now)

    def _prefetch(self, entry: Entry, query: Query, ask_next: AskNext) -> None:
        """Fetch an entry again that still holds. A failure changes nothing."""
        memory, changes = self._memory, self._memory.changes

        def landed(reply: Reply | None) -> None:
            if reply is not None and (answer := refreshes(query, reply, prefer_positive=False)) is not None:
                memory.take(entry.key, query, answer, changes)
                self._inherit(entry)

        if self._refreshes.begin(entry.key, query, ask_next, landed) is not None:
            self._counters.prefetches.inc(self._labels)

    async def _stale(self, entry: Entry, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        """Answer with an entry that is over, or with what a look at the source before that has brought."""
        reply = None
        if self._clock.monotonic() >= entry.recheck:
            if not self._verify:
                if self._refresh(entry, query, ask_next) is not None:
                    self._counters.prefetches.inc(self._labels)
            elif self._verify_timeout:
                reply = await self._verify_within(entry, query, ctx, ask_next)
            else:
                reply = await self._verify_now(entry, query, ctx, ask_next)
        if reply is not None:
            return answer_in_letters_of(query.name, reply)
        self._counters.stale.inc(self._labels)
        return answer_in_letters_of(query.name, self._memory.show_stale(entry))

    async def _verify_now(self, entry: Entry, query: Query, ctx: QueryContext, ask_next: AskNext) -> Answer | None:
        """What the source says. With a failure recheck, whoever asks meanwhile gets the stale answer."""
        changes = self._memory.changes
        if self._recheck:
            entry.recheck = inf
        try:
            reply = await ask(query, ctx, ask_next)
        finally:
            entry.recheck = 0.0
        return self._landed(entry, query, reply, changes)

    async def _verify_within(self, entry: Entry, query: Query, ctx: QueryContext, ask_next: AskNext) -> Answer | None:
        """What the source says within the time for it. It goes on to be asked beyond that."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[Answer | None] = loop.create_future()

        def tell(answer: Answer | None = None) -> None:
            if not told.done():
                told.set_result(answer)

        task = self._refresh(entry, query, ask_next, tell)
        if task is None:
            return None
        task.add_done_callback(lambda _: tell())
        timer = loop.call_later(max(0.0, min(self._verify_timeout, ctx.deadline - self._clock.monotonic())), tell)
        try:
            return await told
        finally:
            timer.cancel()

    def _refresh(
        self, entry: Entry, query: Query, ask_next: AskNext, tell: Callable[[Answer | None], None] | None = None
    ) -> asyncio.Task[None] | None:
        """Ask the source in the background; None when that is under way or there is no room for it."""
        changes = self._memory.changes

        def landed(reply: Reply | None) -> None:
            answer = self._landed(entry, query, reply, changes)
            if tell is not None:
                tell(answer)

        return self._refreshes.begin(entry.key, query, ask_next, landed)

    def _landed(self, entry: Entry, query: Query, reply: Reply | None, changes: int) -> Answer | None:
        """Take in what a refresh of a stale entry brought; the answer when it takes the entry's place."""
        memory = self._memory
        answer = refreshes(query, reply, memory.prefer_positive) if reply is not None else None
        if answer is None:
            if memory.prefer_positive and isinstance(reply, Answer):
                memory.take(entry.key, query, reply, changes)
            entry.recheck = self._clock.monotonic() + self._recheck
            return None
        taken = memory.take(entry.key, query, answer, changes)
        memory.forget(entry)
        self._inherit(entry)
        return taken

    def _inherit(self, old: Entry) -> None:
        """The entry in the place of another one is as popular."""
        found = self._memory.find(old.key, self._clock.monotonic())
        if found is not None:
            found[1].hits, found[1].seen = old.hits, old.seen
