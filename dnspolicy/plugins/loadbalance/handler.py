"""The room: says in which order, or in how many in turn, the records of an answer are served."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from random import Random

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import NO_FACTS, AskNext, Changed
from dnspolicy.corefile.regular import Signature
from dnspolicy.model.answer import NOTHING, Answer, Dependencies, Reply, Rests
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.plugins.loadbalance.config import Config
from dnspolicy.plugins.loadbalance.order import one_first, preferred_first, split, weights_of
from dnspolicy.plugins.loadbalance.weights import UnusableWeights, Version, Weights, read_version

_NOERROR = int(Rcode.NOERROR)
_ROTATED = frozenset((int(Type.A), int(Type.AAAA), int(Type.MX)))
_WEIGHED = frozenset((int(Type.A), int(Type.AAAA)))
_log = logging.getLogger(__name__)


class Loadbalance:
    """Orders the A, AAAA and MX records of an answer, unless their order was chosen already.

    What is to be served in turn gets `rotate`, and the server turns it. A weight file is read on construction and,
    after `start`, looked at every `config.interval` seconds; what rests on it is announced through `changed`. A file
    that cannot be used keeps its last good content and is named in the log; raises ConfigError when there is none.
    """

    name = "loadbalance"
    reads = NO_FACTS

    def __init__(self, config: Config, *, changed: Changed, random: Random | None = None) -> None:
        self._preferred = config.preferred
        self._random = random or Random()
        self._changed = changed
        self._path = Path(config.file) if config.file is not None else None
        self._interval = config.interval
        self._simple = self._path is None and not self._preferred
        self._rests: Dependencies = NOTHING
        self._weights: Weights = {}
        self._signature: Signature | None = None
        self._trouble = ""
        self._watching: asyncio.Task[None] | None = None
        if self._path is not None:
            self._open(self._path)

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        reply = await ask_next(query, ctx)
        if not isinstance(reply, Answer) or reply.rcode != _NOERROR or reply.ordered or reply.transfer:
            return reply
        if self._simple:
            if reply.rotate or len(reply.answer) < 2 or sum(record.type in _ROTATED for record in reply.answer) < 2:
                return reply
            return reply.changed(rotate=True)
        return self._prefer(self._balance(query, reply))

    def _balance(self, query: Query, reply: Answer) -> Answer:
        """The answer to be served in turn, or in an order that was drawn by weight for this query alone."""
        records = reply.answer
        if self._path is None:
            return reply.changed(rotate=sum(record.type in _ROTATED for record in records) > 1)
        addresses, others = split(records)
        if query.qtype not in _WEIGHED or len(addresses) < 2:
            return reply.changed(rotate=False)
        weights = weights_of(addresses, self._weights)
        if min(weights) == max(weights):
            return reply.changed(rotate=True, fresh=reply.fresh.resting(self._rests))
        drawn = one_first(addresses, weights, self._random)
        return reply.changed(answer=(*others, *drawn), rotate=False, ordered=True, fresh=reply.fresh.capped(0.0))

    def _prefer(self, reply: Answer) -> Answer:
        """The answer with addresses of preferred networks first; those of one network are served in turn."""
        if not self._preferred:
            return reply
        addresses, others = split(reply.answer)
        groups = preferred_first(addresses, self._preferred)
        more, rest = split(reply.additional)
        return reply.changed(
            answer=(*others, *(record for group in groups for record in group)),
            additional=(*(r for group in preferred_first(more, self._preferred) for r in group), *rest),
            groups=tuple(map(len, groups)) if reply.rotate else (),
        )

    async def start(self) -> None:
        if self._path is not None and self._interval:
            self._watching = asyncio.create_task(self._watch(self._path))

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None

    def refresh(self) -> None:
        """Look at the weight file once, and use and announce it when it has changed."""
        if self._path is not None:
            self._take(_look(self._path, self._signature))

    def _open(self, path: Path) -> None:
        if self._interval:
            self._rests = frozenset(((Rests.FILE, str(path)),))
        seen = _look(path, None)
        if isinstance(seen, UnusableWeights) and (seen.signature is not None or not self._interval):
            raise ConfigError(f"weight file {str(path)!r} cannot be used: {seen}")
        self._take(seen)

    async def _watch(self, path: Path) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                self._take(await asyncio.to_thread(_look, path, self._signature))
            except Exception:  # noqa: BLE001 the file must be looked at again whatever happened
                _log.exception("loadbalance: reading %r failed", str(path))

    def _take(self, seen: Version | UnusableWeights | None) -> None:
        if isinstance(seen, UnusableWeights):
            self._signature = seen.signature or self._signature
            if str(seen) != self._trouble:
                self._trouble = str(seen)
                _log.warning(
                    "loadbalance: weight file %r cannot be used, keeping the last good one: %r",
                    str(self._path),
                    str(seen),
                )
            return
        self._trouble = ""
        if seen is None:
            return
        before, self._signature, self._weights = self._weights, seen.signature, seen.weights
        if self._weights != before and self._rests:
            self._changed(self._rests)


def _look(path: Path, known: Signature | None) -> Version | UnusableWeights | None:
    """The new version, what is wrong, or None when nothing has changed. Safe in a thread."""
    try:
        return read_version(path, known)
    except UnusableWeights as problem:
        return problem
