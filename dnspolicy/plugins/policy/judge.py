"""One question to the policy: input, remembered decision or engine, failure table, judgement."""

from __future__ import annotations

import msgspec

from dnspolicy.chain.clock import Clock
from dnspolicy.chain.context import Judgement, QueryContext
from dnspolicy.chain.metrics import Metrics
from dnspolicy.chain.plugin import ClientFact
from dnspolicy.model.answer import NOTHING, Dependencies, Freshness, Rests
from dnspolicy.model.errors import EngineError, EngineUnavailable
from dnspolicy.model.query import Query, Via
from dnspolicy.model.target import Target
from dnspolicy.model.verdict import Action, Origin, Phase, Verdict
from dnspolicy.plugins.policy.config import Config, Default
from dnspolicy.policy.decisions import DecisionCache
from dnspolicy.policy.engine import Engine
from dnspolicy.policy.failure import FAILURE_TRIGGER, kind_of, verdict_of
from dnspolicy.policy.footprint import projector
from dnspolicy.policy.input import AnswerFacts, PolicyInput

DEFAULT_RULE = "default"
# Naming the member of an enumeration costs 0.1 µs, which counts on the way of every query.
_ALLOW, _FAILURE = Action.ALLOW, Origin.FAILURE


class Judge:
    """Shared by all policy rooms that use one engine with one configuration.

    `reads_endpoints` and `reads_answers` say whether the policy in force can read the endpoints of a target, and
    whether it can tell the response phase from the query phase.
    """

    def __init__(
        self, config: Config, engine: Engine, decisions: DecisionCache, *, clock: Clock, metrics: Metrics
    ) -> None:
        self._config = config
        self._engine = engine
        self._decisions = decisions
        self._clock = clock
        self._failures = metrics.counter(
            "dnspolicy_policy_failures_total", "Questions without a usable decision, by kind of failure.", ("kind",)
        )
        self._undecided = metrics.counter("dnspolicy_policy_undefined_total", "Questions the policy said nothing to.")
        self._reads = engine.footprint.paths
        self.renew()

    def renew(self) -> None:
        """Take over what the engine's new revision can read. To be called whenever the revision changes."""
        footprint = self._engine.footprint
        self.revision = self._engine.revision
        if footprint.paths != self._reads:  # equal projections of different facts are different questions
            self._decisions.forget_last()
            self._reads = footprint.paths
        self._default = self._default_verdict()
        self._project = projector(footprint)
        self._timeless = footprint.timeless
        self._reads_target = footprint.reads("target")
        self._rests: Dependencies = frozenset({(Rests.POLICY, self._engine.name)})
        self.reads_endpoints = footprint.reads("target", "endpoints")
        self.reads_answers = footprint.reads("answer") or footprint.reads("phase")
        self.client_facts: frozenset[ClientFact] = footprint.client_facts()

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
        known = self._decisions.find((self.revision, self._project(question)))
        return None if known is None else self._noted(question, ctx, known.verdict, 0.0, True, trigger)

    async def decide(self, question: PolicyInput, ctx: QueryContext, trigger: str = "") -> Verdict:
        """The verdict, decided now and noted. Never raises."""
        started = self._clock.monotonic()
        deadline = min(ctx.deadline, started + self._config.timeout)
        verdict = await self._decide(question, self._project(question), deadline)
        return self._noted(question, ctx, verdict, self._clock.monotonic() - started, False, trigger)

    def _noted(
        self, question: PolicyInput, ctx: QueryContext, said: Verdict | None, seconds: float, cached: bool, trigger: str
    ) -> Verdict:
        """The verdict that follows from what was said, noted in the context."""
        query = question.query
        verdict = self._nothing_said() if said is None else said
        if verdict.action is not _ALLOW and not verdict.trigger:
            trigger = trigger or (f"cname:{query.name}" if query.via is Via.CNAME else "")
            verdict = msgspec.structs.replace(verdict, trigger=trigger) if trigger else verdict
        name, phase, judgements = query.name, question.phase, ctx.judgements
        noted = judgements[-1] if judgements else None
        if noted is None or noted.verdict is not verdict or noted.about != name or noted.phase is not phase:
            judgements.append(Judgement(name, phase, verdict, seconds, cached))
        return verdict

    async def _decide(self, question: PolicyInput, projection: object, deadline: float) -> Verdict | None:
        """What the engine says, or the failure table; None for a policy that says nothing."""
        try:
            return await self._ask(question, projection, deadline)
        except EngineError as problem:
            self._failures.inc((kind_of(problem).value,))
            last = self._decisions.last(projection)
            return verdict_of(problem, self._config.on_error, self.revision, last)

    async def _ask(self, question: PolicyInput, projection: object, deadline: float) -> Verdict | None:
        revision = self.revision
        verdict = await self._engine.decide(question, deadline)
        if self._engine.revision == revision:
            self._decisions.keep((revision, projection), verdict, self._timeless)
        return verdict

    def _nothing_said(self) -> Verdict:
        self._undecided.inc()
        return self._default

    def _default_verdict(self) -> Verdict:
        action = Action.ALLOW if self._config.default is Default.ALLOW else Action.BLOCK
        reason = f"the policy says nothing; default {self._config.default}"
        return Verdict(action, DEFAULT_RULE, reason, origin=Origin.DEFAULT, revision=self.revision)

    def fail(self, query: Query, ctx: QueryContext, problem: EngineError) -> Verdict:
        """The verdict of a decision that cannot be carried out: always a block, noted in the context."""
        self._failures.inc((kind_of(problem).value,))
        rule = f"failure/{kind_of(problem)}"
        verdict = Verdict(Action.BLOCK, rule, str(problem), origin=Origin.FAILURE, revision=self.revision)
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

    def unavailable(self, query: Query, ctx: QueryContext, text: str) -> Verdict:
        """The verdict of a question that cannot be put to the engine yet, by the failure table."""
        problem = EngineUnavailable(text)
        self._failures.inc((kind_of(problem).value,))
        verdict = verdict_of(problem, self._config.on_error, self.revision, None)
        ctx.judgements.append(Judgement(query.name, Phase.QUERY, verdict, 0.0, False))
        return verdict

    def freshness(self, target: Target, verdict: Verdict) -> Freshness:
        """How long what follows from a verdict holds, and on what it rests."""
        rests = self._rests | (target.rests if self._reads_target else NOTHING)
        if verdict.origin is Origin.FAILURE or verdict.trigger.startswith(FAILURE_TRIGGER):
            return Freshness(0.0, rests)
        return Freshness(verdict.lifetime(self._timeless), rests)
