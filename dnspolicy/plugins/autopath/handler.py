"""The room: asks for every name a client would try, and answers with the first that exists."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metrics import Metrics, ServerLabels
from dnspolicy.chain.plugin import AskNext
from dnspolicy.chain.search import SearchPaths
from dnspolicy.model.answer import Answer, Dependency, Freshness, Reply, Rests
from dnspolicy.model.name import MAX_WIRE, Name
from dnspolicy.model.query import Query, Via
from dnspolicy.model.rr import TRANSFERS, Rcode, Record, Type

_NXDOMAIN = int(Rcode.NXDOMAIN)
_SERIAL = (Rests.SERIAL, "cluster")


class _Tried(msgspec.Struct, frozen=True, gc=False):
    """What came of one candidate. `at` is monotonic; `original` is what a policy changed, if it did."""

    reply: Reply
    at: float
    original: Reply | None


class Autopath:
    """One `autopath` directive for names in `zones`; `source` knows the search lists."""

    name = "autopath"

    def __init__(
        self, *, zones: tuple[Name, ...], source: SearchPaths, clock: Clock, metrics: Metrics, labels: ServerLabels
    ) -> None:
        self._zones = zones
        self._source = source
        self._clock = clock
        self._server = (labels.server,)
        self.reads = source.search_reads
        self._successes = metrics.counter(
            "coredns_autopath_success_total", "Queries answered with a name of their search list.", ("server",)
        )

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        path = self._path(query, ctx)
        if not path:
            return await ask_next(query, ctx)
        tried: list[_Tried] = []
        for candidate in _candidates(query, path):
            ctx.original = None
            reply = await ask_next(candidate, ctx)
            tried.append(_Tried(reply, self._clock.monotonic(), ctx.original))
            if isinstance(reply, Answer) and reply.rcode != _NXDOMAIN:
                self._successes.inc(self._server)
                return _resting(_aliased(query, candidate.name, reply), tried[:-1], self._clock.monotonic())
        first = tried[0]
        ctx.original = first.original
        return _resting(first.reply, tried, self._clock.monotonic())

    def _path(self, query: Query, ctx: QueryContext) -> tuple[Name, ...]:
        """The search list to walk; empty when the name is not one that a resolver made of the first element."""
        name = query.name
        # what an alias points at is a whole name, and nobody's resolver has put anything behind it
        if query.via is Via.CNAME or query.qtype in TRANSFERS or not any(name.under(zone) for zone in self._zones):
            return ()
        path = self._source.search_path(ctx.identity, name)
        if len(path) < 2 or len(name.labels) <= len(path[0].labels) or not name.under(path[0]):
            return ()
        return path


def _candidates(query: Query, path: tuple[Name, ...]) -> Iterator[Query]:
    """The question for each name to try, the one that was asked first. Names that are too long are left out."""
    yield query
    name = query.name
    typed = len(name.labels) - len(path[0].labels)
    front = name.wire[: len(name.wire) - len(path[0].wire)]
    for tail in path[1:]:
        wire = front + tail.wire
        if len(wire) <= MAX_WIRE:
            yield query.renamed(Name(wire, name.labels[:typed] + tail.labels), Via.AUTOPATH)


def _aliased(query: Query, candidate: Name, reply: Answer) -> Answer:
    """The reply under the name that was asked: an alias leads to the first record that has another name."""
    other = next((record for record in reply.answer if record.owner != query.name), None)
    if candidate == query.name or other is None:
        return reply
    alias = Record(query.name, Type.CNAME, other.ttl, other.owner.wire)
    return reply.changed(answer=(alias, *reply.answer))


def _resting(reply: Reply, tries: list[_Tried], now: float) -> Reply:
    """The reply, to be reused no longer than what came of these candidates holds."""
    if not isinstance(reply, Answer):
        return reply
    fresh = reply.fresh
    ttls = [] if fresh.ttl is None else [fresh.ttl]
    rests: set[Dependency] = set()
    for tried in tries:
        if not isinstance(tried.reply, Answer):
            ttls.append(0.0)
            continue
        other = tried.reply.fresh
        rests |= other.rests
        if other.ttl is not None:
            ttls.append(max(0.0, other.ttl - (now - tried.at)))
    rests.discard(_SERIAL)  # the SOAs of the others, which have the serial, are not shown
    return reply.changed(fresh=Freshness(min(ttls, default=None), fresh.rests | rests, fresh.aged_since))
