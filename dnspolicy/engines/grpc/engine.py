"""Decisions of decision points that speak the protocol of `proto/dnspolicy/v1/policy.proto`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from dnspolicy.chain.metrics import Metrics
from dnspolicy.corefile.credentials import PemFiles
from dnspolicy.engines.grpc.choice import Choice, alike
from dnspolicy.engines.grpc.connection import Info
from dnspolicy.engines.grpc.decode import Reply, Unreached
from dnspolicy.engines.grpc.encode import body
from dnspolicy.engines.grpc.target import Counts, Target
from dnspolicy.engines.grpc.vary import VaryCache
from dnspolicy.model.errors import EngineBadReply, EngineTimeout
from dnspolicy.model.printable import printable
from dnspolicy.model.verdict import Verdict
from dnspolicy.policy.engine import Changed
from dnspolicy.policy.footprint import Footprint, Path
from dnspolicy.policy.input import PolicyInput
from dnspolicy.policy.settings.grpc import GrpcSettings

UNKNOWN = "unknown"
"""The revision of decision points that tell none, and before one is reached."""


class GrpcEngine:
    """Asks one of its decision points that are there, and for what that one leaves open another, once.

    Revision and footprint are those of the first that is there. All of them are meant to decide alike: one revision,
    one policy.
    """

    name = "grpc"

    def __init__(
        self, settings: GrpcSettings, files: PemFiles, *, metrics: Metrics, monotonic: Callable[[], float]
    ) -> None:
        counts = Counts(metrics)
        self.targets = tuple(Target(name, settings, files, counts, self._look, monotonic) for name in settings.targets)
        self._choice = Choice(self.targets, settings.policy)
        self.changed: Changed | None = None
        self._settings = settings
        self._monotonic = monotonic
        self._vary = VaryCache(settings.vary, monotonic)
        self._info = Info()
        self._footprint = _footprint(self._info)
        self._hits = metrics.counter(
            "dnspolicy_grpc_vary_hits_total", "Decisions taken from memory by what they rest on."
        )
        self._retried = metrics.counter("dnspolicy_grpc_retried_total", "Questions put to a second decision point.")
        entries = metrics.gauge("dnspolicy_grpc_vary_entries", "Decisions remembered by what they rest on.")

        def measure() -> None:
            entries.set(float(len(self._vary)))
            for target in self.targets:
                target.measure(asked=target in self._choice.shares)

        self._end = metrics.before_collect(measure)

    @property
    def revision(self) -> str:
        return self._info.revision or UNKNOWN

    @property
    def footprint(self) -> Footprint:
        return self._footprint

    @property
    def info(self) -> Info | None:
        """What is in force at the first decision point that is there; None when none is."""
        return next((target.info for target in self.targets if target.up), None)

    async def settle(self) -> None:
        """Begin to connect. Returns when one is there, or all were tried."""
        for target in self.targets:
            target.begin()
        waiting = [asyncio.ensure_future(target.tried.wait()) for target in self.targets]
        try:
            async with asyncio.timeout(2 * float(self._settings.connect)):
                for _ in waiting:
                    if any(target.up for target in self.targets) or all(task.done() for task in waiting):
                        break
                    await asyncio.wait([t for t in waiting if not t.done()], return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            pass
        finally:
            for task in waiting:
                task.cancel()

    async def stop(self) -> None:
        """Close all connections."""
        self.changed = None
        await asyncio.gather(*(target.stop() for target in self.targets))
        self._vary.clear()
        self._end()

    async def decide(self, question: PolicyInput, deadline: float) -> Verdict | None:
        """What the policy of a decision point says."""
        if self._monotonic() >= deadline:
            raise EngineTimeout("the deadline has passed")
        known = self._vary.find(question)
        if known is not None:
            self._hits.inc()
            reply, left = known
            return _aged(reply.verdict, left)
        try:
            content = body(question)
        except ValueError as problem:  # UnicodeEncodeError is one
            raise EngineBadReply(f"the question cannot be asked: {printable(str(problem))}") from None
        return self._taken(question, await self._ask(content, question.client.ip, deadline))

    async def _ask(self, content: bytes, client: str, deadline: float) -> tuple[Reply, Target]:
        """The reply of the one that is to be asked, or of a second one if that is gone."""
        problem = Unreached("; ".join(f"{target.name}: {target.problem}" for target in self.targets))
        tried = 0
        for target in self._choice.order(client):
            if not target.up:
                continue
            left = deadline - self._monotonic()
            if left <= 0:
                raise EngineTimeout("no decision in time")
            if tried:
                self._retried.inc()
            try:
                return await target.ask(content, left), target
            except Unreached as gone:
                problem = gone
            tried += 1
            if tried == 2:
                break
        raise problem

    def _taken(self, question: PolicyInput, answered: tuple[Reply, Target]) -> Verdict | None:
        reply, target = answered
        if (reply.revision or UNKNOWN) != self.revision:
            target.doubt()
            return _held(reply.verdict, 0.0)
        if not self._may_stand(reply, target):
            return _held(reply.verdict, 0.0)
        seconds = self._holds(reply)
        if reply.vary is not None and not _within(reply.vary, self._info.reads):
            target.doubt()  # it rests on more than its policy is said to read, so whom else it suits is not known
            return _held(reply.verdict, 0.0)
        if reply.vary is not None:
            self._vary.keep(question, reply, seconds)
        return _held(reply.verdict, seconds)

    def _may_stand(self, reply: Reply, target: Target) -> bool:
        """Whether a reply may be remembered as one of what is in force.

        When another than the first changes, nothing is forgotten, so its replies must name their revision themselves.
        """
        return target is self._choice.lead or (reply.named and self._choice.vouched(target))

    def _holds(self, reply: Reply) -> float:
        """How many seconds a reply may be remembered."""
        hold = float(self._settings.hold)
        if reply.max_age is not None:
            return min(reply.max_age, hold)
        if self._info.timeless and reply.revision:
            return hold
        ttl = None if reply.verdict is None else reply.verdict.ttl
        return min(float(ttl or 0), hold)

    def _look(self) -> None:
        """Take over what is in force where questions go now. When nobody is there, what was in force stays."""
        self._choice.look()
        info = self.info
        if info is None or alike(info, self._info):
            return
        self._info = info
        self._footprint = _footprint(info)
        self._vary.clear()
        if self.changed is not None:
            self.changed()


def _footprint(info: Info) -> Footprint:
    # Not timeless, whatever is declared: then each verdict says how long it holds, and `hold` caps all of them.
    return Footprint(info.reads, timeless=False)


def _within(vary: Iterable[Path], reads: frozenset[Path]) -> bool:
    """Whether all these paths are among those, or below them."""
    return all(any(path[:end] in reads for end in range(len(path) + 1)) for path in vary)


def _aged(verdict: Verdict | None, left: float) -> Verdict | None:
    """A remembered verdict for what time it has left, so that no answer outlives it."""
    if verdict is None or verdict.ttl is None:
        return _held(verdict, left)
    return msgspec.structs.replace(verdict, holds=left, ttl=min(verdict.ttl, int(left)))


def _held(verdict: Verdict | None, seconds: float) -> Verdict | None:
    return None if verdict is None else msgspec.structs.replace(verdict, holds=seconds)
