"""One question to the policy: input, remembered decision or engine, failure table, judgement."""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.context import Judgement, QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.plugin import ClientFact
from dnspolicy.model.answer import NOTHING, Dependencies, Freshness, Rests
from dnspolicy.model.errors import EngineError, EngineUnavailable
from dnspolicy.model.query import Query, Via
from dnspolicy.model.target import Target
from dnspolicy.model.verdict import Action, Beside, Origin, Phase, Verdict
from dnspolicy.plugins.policy.config import Config, Default
from dnspolicy.plugins.policy.watcher import Watcher
from dnspolicy.policy.candidate import settled, united
from dnspolicy.policy.decisions import FOREVER, DecisionCache, Key
from dnspolicy.policy.engine import Awaited, Engine
from dnspolicy.policy.failure import FAILURE_TRIGGER, kind_of, verdict_of
from dnspolicy.policy.footprint import Footprint, projector
from dnspolicy.policy.input import AnswerFacts, PolicyInput
from dnspolicy.policy.settings.failure import FailureKind, FailureTable, OnError

DEFAULT_RULE = "default"
# Naming the member of an enumeration costs 0.1 µs, which counts on the way of every query.
_ALLOW, _FAILURE, _DEFAULT = Action.ALLOW, Origin.FAILURE, Origin.DEFAULT


class Judge:
    """Shared by all policy rooms that use one engine with one configuration.

    `reads_endpoints` says whether a policy can read the endpoints of a target; `reads_answers` whether the one in force
    can tell the response phase from the query phase, and `watches_answers` whether only the candidate can.
    `needs_clients`: the policy in force reads facts of clients. `client_facts` are what it and the candidate read.
    """

    def __init__(
        self,
        config: Config,
        engine: Engine,
        decisions: DecisionCache,
        *,
        clock: Clock,
        metrics: Metrics,
        candidate: Engine | None = None,
    ) -> None:
        self._config = config
        self._engine = engine
        self._decisions = decisions
        self._clock = clock
        self._table = FailureTable.of(config.on_error)
        self._watcher: Watcher | None = None
        if candidate is not None and config.candidate is not None:
            self._watcher = Watcher(candidate, config.candidate.timeout, clock=clock, metrics=metrics)
        self._failures = metrics.counter(
            "dnspolicy_policy_failures_total",
            "Questions without a usable decision, by kind of failure and what followed.",
            ("kind", "action"),
        )
        self._undecided = metrics.counter("dnspolicy_policy_undefined_total", "Questions the policy said nothing to.")
        self._reads = self._footprint().paths
        self._shape = 0
        self.renew()

    def renew(self) -> None:
        """Take over what a new revision of either policy can read. To be called whenever a revision changes."""
        own, footprint = self._engine.footprint, self._footprint()
        self.revision = self._engine.revision
        if footprint.paths != self._reads:  # equal projections of different facts are different questions
            self._decisions.forget_last()
            self._reads = footprint.paths
            self._shape += 1
        self._key = f"{self._shape} {self.revision}"
        self._default = self._default_verdict(self.revision)
        self._project = projector(footprint)
        self._timeless = own.timeless
        self._reads_target = footprint.reads("target")
        self._rests: Dependencies = frozenset({(Rests.POLICY, self._engine.name)})
        self.reads_endpoints = footprint.reads("target", "endpoints")
        self.reads_answers = own.reads("answer") or own.reads("phase")
        self.needs_clients = bool(own.client_facts())
        self.client_facts: frozenset[ClientFact] = footprint.client_facts()
        self.watches_answers = False
        if self._watcher is not None:
            self._watcher.renew(self._default_verdict(self._watcher.revision))
            self._key += f" {self._watcher.revision}"
            self._rests |= {(Rests.POLICY, self._watcher.name)}
            self.watches_answers = not self.reads_answers and self._watcher.reads_answers

    def _footprint(self) -> Footprint:
        own = self._engine.footprint
        return own if self._watcher is None else united(own, self._watcher.footprint)

    def not_ready(self) -> str | None:
        """What the policy still waits for; None when it can decide."""
        return self._engine.not_ready() if isinstance(self._engine, Awaited) else None

    async def judge(
        self,
        query: Query,
        ctx: QueryContext,
        phase: Phase,
        target: Target,
        facts: AnswerFacts | None = None,
        trigger: str = "",
    ) -> Verdict:
        """The verdict for one name or one answer, noted in the context unless it was just noted. Never raises."""
        question = PolicyInput(phase, ctx.identity, query, target, facts)
        return self.recall(question, ctx, trigger) or await self.decide(question, ctx, trigger)

    def recall(self, question: PolicyInput, ctx: QueryContext, trigger: str = "") -> Verdict | None:
        """The remembered verdict, noted; None when it is to be decided."""
        known = self._decisions.find((self._key, self._project(question)))
        if known is None:
            return None
        verdict = known.verdict
        if known.until != FOREVER:
            verdict = known.aged(self._clock.monotonic())
        if verdict.beside is not None and self._watcher is not None:
            self._watcher.again(question, verdict, ctx.deadline)
        return self._noted(question, ctx, verdict, 0.0, True, trigger)

    async def decide(self, question: PolicyInput, ctx: QueryContext, trigger: str = "") -> Verdict:
        """The verdict, decided now and noted. Never raises."""
        started = self._clock.monotonic()
        verdict = await self._decide(question, self._project(question), started, ctx.deadline)
        return self._noted(question, ctx, verdict, self._clock.monotonic() - started, False, trigger)

    def watch(self, question: PolicyInput, ctx: QueryContext, allowed: Verdict) -> Freshness:
        """Ask only the candidate about an answer that was `allowed`; how long what it says of it holds."""
        assert self._watcher is not None
        beside = self._watcher.ask(question, allowed, ctx.deadline, None)
        verdict = msgspec.structs.replace(allowed, beside=beside)
        query = question.query
        ctx.judgements.append(
            Judgement(query.name, question.phase, verdict, 0.0, True, query.via, question.target, question.answer)
        )
        return Freshness(None if self._watcher.timeless else 0.0, self._rests)

    def _noted(
        self, question: PolicyInput, ctx: QueryContext, verdict: Verdict, seconds: float, cached: bool, trigger: str
    ) -> Verdict:
        """The verdict, noted in the context."""
        query = question.query
        if verdict.origin is _DEFAULT:
            self._undecided.inc()
        if verdict.action is not _ALLOW and not verdict.trigger:
            trigger = trigger or (f"cname:{query.name}" if query.via is Via.CNAME else "")
            verdict = msgspec.structs.replace(verdict, trigger=trigger) if trigger else verdict
        name, phase, judgements = query.name, question.phase, ctx.judgements
        noted = judgements[-1] if judgements else None
        if noted is None or noted.about != name or noted.phase is not phase or not _alike(noted.verdict, verdict):
            judgements.append(
                Judgement(name, phase, verdict, seconds, cached, query.via, question.target, question.answer)
            )
        return verdict

    async def _decide(self, question: PolicyInput, projection: Hashable, now: float, until: float) -> Verdict:
        """What the engine says, or the failure table. `now` and `until`, the query's deadline, are monotonic time."""
        shape = self._shape
        try:
            said = await self._ask(question, projection, now, until)
        except EngineError as problem:
            kind = kind_of(problem)
            on_error = self._table.action(kind, question.query.name, question.phase)
            last = self._decisions.last(projection) if self._shape == shape else None
            verdict = verdict_of(problem, on_error, self.revision, last)
            self._failed(kind, verdict)
            return verdict
        return said

    def _failed(self, kind: FailureKind, verdict: Verdict) -> None:
        stood_in = verdict.trigger.startswith(FAILURE_TRIGGER)
        self._failures.inc((kind.value, OnError.LAST_KNOWN.value if stood_in else verdict.action.value))

    async def _ask(self, question: PolicyInput, projection: Hashable, now: float, until: float) -> Verdict:
        """What the engine says, remembered from `now` on: nobody knows when on the way to here it was decided."""
        key = self._key
        said = await self._engine.decide(question, min(until, now + self._config.timeout))
        verdict = settled(said, self._default, self._timeless)
        if self._watcher is not None:
            verdict = self._watched(question, verdict, (key, projection), now, until)
        if self._is_in_force(key):
            self._decisions.keep((key, projection), verdict, self._timeless, now)
        return verdict

    def _is_in_force(self, key: str) -> bool:
        """Whether what was just decided belongs under `key`: an engine may tell of a revision after it decided."""
        return self._key == key and self._engine.revision == self.revision

    def _watched(self, question: PolicyInput, verdict: Verdict, key: Key, now: float, until: float) -> Verdict:
        """The verdict, of a question asked at `now`, with what the candidate says beside it.

        What a candidate says that reads the clock holds for a time that is not known yet, so the decision is remembered
        when it is, for what is left of its own time.
        """
        watcher = self._watcher
        assert watcher is not None
        if watcher.timeless:
            return msgspec.structs.replace(verdict, beside=watcher.ask(question, verdict, until, None))
        own = verdict.lifetime(self._timeless)

        def learned(beside: Beside, seconds: float | None) -> None:
            if in_force and self._key == key[0] and seconds is not None:
                kept = verdict if own is None else _left(verdict, own - (self._clock.monotonic() - now))
                holds = seconds if kept.holds is None else min(kept.holds, seconds)
                self._decisions.keep(key, msgspec.structs.replace(kept, beside=beside, holds=holds), self._timeless)

        in_force = self._is_in_force(key[0])
        beside = watcher.ask(question, verdict, until, learned)
        return msgspec.structs.replace(verdict, beside=beside, holds=0.0)

    def _default_verdict(self, revision: str) -> Verdict:
        action = Action.ALLOW if self._config.default is Default.ALLOW else Action.BLOCK
        reason = f"the policy says nothing; default {self._config.default}"
        return Verdict(action, DEFAULT_RULE, reason, origin=Origin.DEFAULT, revision=revision)

    async def told(self) -> None:
        """Wait for what a candidate is still being asked. For tools; no query waits for that."""
        if self._watcher is not None:
            await self._watcher.settled()

    def fail(self, query: Query, ctx: QueryContext, problem: EngineError) -> Verdict:
        """The verdict of a decision that cannot be carried out: always a block, noted in the context."""
        rule = f"failure/{kind_of(problem)}"
        verdict = Verdict(Action.BLOCK, rule, str(problem), origin=Origin.FAILURE, revision=self.revision)
        self._failed(kind_of(problem), verdict)
        ctx.judgements.append(Judgement(query.name, Phase.QUERY, verdict, 0.0, False))
        return verdict

    def limited(self, fresh: Freshness, target: Target, verdict: Verdict) -> Freshness:
        """`fresh` for an answer that was let through: the same as `fresh.within(freshness(…))`, at half the price."""
        if verdict.origin is _FAILURE or verdict.trigger or not self._timeless or verdict.holds is not None:
            return fresh.within(self.freshness(target, verdict))
        rests = fresh.rests | self._rests
        if self._reads_target and not target.rests <= rests:
            rests |= target.rests
        return Freshness(fresh.ttl, rests, fresh.aged_since)

    def unavailable(self, query: Query, ctx: QueryContext, phase: Phase, text: str) -> Verdict:
        """The verdict of a question that cannot be put to the engine yet, by the failure table."""
        problem = EngineUnavailable(text)
        on_error = self._table.action(kind_of(problem), query.name, phase)
        verdict = verdict_of(problem, on_error, self.revision, None)
        self._failed(kind_of(problem), verdict)
        ctx.judgements.append(Judgement(query.name, phase, verdict, 0.0, False, query.via))
        return verdict

    def freshness(self, target: Target, verdict: Verdict) -> Freshness:
        """How long what follows from a verdict holds, and on what it rests."""
        rests = self._rests | (target.rests if self._reads_target else NOTHING)
        if verdict.origin is Origin.FAILURE or verdict.trigger.startswith(FAILURE_TRIGGER):
            return Freshness(0.0, rests)
        return Freshness(verdict.lifetime(self._timeless), rests)


def _left(verdict: Verdict, seconds: float) -> Verdict:
    """The verdict when it holds for so many seconds more."""
    holds = max(seconds, 0.0)
    ttl = None if verdict.ttl is None else min(verdict.ttl, int(holds))
    return msgspec.structs.replace(verdict, holds=holds, ttl=ttl)


def _alike(one: Verdict, other: Verdict) -> bool:
    """Whether two verdicts say the same, however long they still hold."""
    return one is other or (
        one.action is other.action
        and (one.rule, one.reason, one.revision, one.origin) == (other.rule, other.reason, other.revision, other.origin)
    )
