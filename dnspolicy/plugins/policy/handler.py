"""The room: judges what is about to be resolved, lets the rooms below answer, and judges what they found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import AskNext, ClientFact
from dnspolicy.cluster.view import ClusterView
from dnspolicy.model.answer import Answer, Drop, Freshness, Reply
from dnspolicy.model.name import Name
from dnspolicy.model.query import Query, Via
from dnspolicy.model.rr import Rcode, Type
from dnspolicy.model.target import Target, TargetKind
from dnspolicy.model.verdict import Action, Phase, Verdict
from dnspolicy.plugins.policy import apply
from dnspolicy.plugins.policy.facts import MAX_ALIASES, TOO_MANY_ALIASES, aliases, answer_facts, owned
from dnspolicy.plugins.policy.instead import Instead, Missing
from dnspolicy.plugins.policy.judge import Judge
from dnspolicy.plugins.policy.unjudged import unjudged
from dnspolicy.policy.input import PolicyInput
from dnspolicy.wire.rdata import name_in

_replace = msgspec.structs.replace
# Naming the member of an enumeration costs 0.1 µs, which counts on the way of every query.
_QUERY, _ALLOW = Phase.QUERY, Action.ALLOW
MAX_STEPS = 8
"""How many redirects and rewrites may follow one upon another, so that a circle of them ends."""
AskUpstreams = Callable[[Query, tuple[str, ...], float], Awaitable[Answer]]
"""Ask the given upstreams (`IP` or `IP:PORT`) until a monotonic deadline."""


class Policy:
    """`zones` are the cluster's zones; `block_zones` those of the server block, for blocks of other names."""

    name = "policy"

    def __init__(
        self,
        judge: Judge,
        *,
        view: ClusterView,
        zones: tuple[Name, ...],
        block_zones: tuple[Name, ...],
        missing: Missing,
        ask_upstreams: AskUpstreams,
    ) -> None:
        self._judge = judge
        self._view = view
        self._zones = zones
        self._instead = Instead(judge, missing, block_zones)
        self._ask_upstreams = ask_upstreams

    @property
    def reads(self) -> frozenset[ClientFact]:
        return self._judge.client_facts

    def not_ready(self) -> str | None:
        """For `ready`: what the policy still waits for."""
        return self._judge.not_ready()

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        if self._judge.needs_clients and self._view.missing():
            return await unjudged(self._judge, self._instead, query, ctx, ask_next)
        targets = self._view.targets(query.name, self._zones, self._judge.reads_endpoints)
        if len(targets) != 1:
            return await self._shared(query, ctx, ask_next, targets)
        question = PolicyInput(_QUERY, ctx.identity, query, targets[0])
        verdict = self._judge.recall(question, ctx) or await self._judge.decide(question, ctx)
        return await self._apply(query, ctx, ask_next, targets[0], verdict)

    async def _shared(self, query: Query, ctx: QueryContext, ask_next: AskNext, targets: tuple[Target, ...]) -> Reply:
        """An address with several owners: each is judged, and only the allowed ones are answered."""
        verdicts = [await self._judge.judge(query, ctx, Phase.QUERY, target) for target in targets]
        allowed = [(t, v) for t, v in zip(targets, verdicts, strict=True) if _passes(v)]
        reply = await self._apply(query, ctx, ask_next, *(allowed[0] if allowed else (targets[0], verdicts[0])))
        if not isinstance(reply, Answer):
            return reply
        for target, verdict in zip(targets, verdicts, strict=True):  # whom it names and leaves out holds as long as all
            reply = reply.changed(fresh=reply.fresh.within(self._judge.freshness(target, verdict)))
            reply = apply.capped(reply, verdict.ttl)
        if not allowed or len(allowed) == len(targets):
            return reply
        kept = owned(reply, [t for t, _ in allowed], lambda name: self._view.targets(name, self._zones, False)[0])
        rests = frozenset().union(*(t.rests for t in targets))
        if not kept and reply.answer:
            return self._instead.nothing(query, reply.fresh.resting(rests))
        return reply.changed(answer=kept, fresh=reply.fresh.resting(rests))

    async def _apply(
        self, query: Query, ctx: QueryContext, ask_next: AskNext, target: Target, verdict: Verdict
    ) -> Reply:
        """What follows from a verdict of the query phase."""
        if _passes(verdict):
            reply = await ask_next(query, ctx)
            if not isinstance(reply, Answer) or reply.transfer:  # who may have a zone may have all that is in it
                return reply
            answer = _replace(reply, fresh=self._judge.limited(reply.fresh, target, verdict))
            if verdict.ttl is not None:
                answer = apply.capped(answer, verdict.ttl)
            if self._judge.reads_answers or (answer.answer and aliases(answer)):
                return await self._judge_answer(query, ctx, ask_next, target, answer, verdict)
            return self._watched(query, ctx, target, answer, verdict) if self._judge.watches_answers else answer
        if verdict.action is Action.BLOCK:
            fresh = self._judge.freshness(target, verdict)
            if target.kind is not TargetKind.EXTERNAL and self._view.missing():
                return apply.NOT_READY
            return self._instead.blocked(query, verdict, fresh)
        return await self._turn(query, ctx, ask_next, target, verdict)

    async def _turn(
        self, query: Query, ctx: QueryContext, ask_next: AskNext, target: Target, verdict: Verdict
    ) -> Reply:
        """Rewrite or redirect; what that finds is judged and may be turned again, so many times."""
        if ctx.depth >= MAX_STEPS:
            return self._instead.failed(query, ctx, f"more than {MAX_STEPS} redirects one upon another")
        ctx.depth += 1
        try:
            if verdict.action is Action.REWRITE:
                return await self._rewrite(query, ctx, ask_next, target, verdict)
            return await self._redirect(query, ctx, ask_next, target, verdict)
        finally:
            ctx.depth -= 1

    async def _rewrite(
        self, query: Query, ctx: QueryContext, ask_next: AskNext, target: Target, verdict: Verdict
    ) -> Reply:
        assert verdict.name is not None
        if query.via is Via.REWRITE and ctx.rewritten == query.name:
            return self._instead.failed(query, ctx, "a rewrite of a rewritten name")
        renamed = query.renamed(verdict.name, Via.REWRITE)
        before, ctx.rewritten = ctx.rewritten, renamed.name
        try:
            reply = await self._resolve(renamed, ctx, ask_next)
        finally:
            ctx.rewritten = before
        if not isinstance(reply, Answer):
            return reply
        answer = apply.under_name(reply, renamed.name, query.name)
        return apply.capped(
            answer.changed(fresh=answer.fresh.within(self._judge.freshness(target, verdict))), verdict.ttl
        )

    async def _redirect(
        self, query: Query, ctx: QueryContext, ask_next: AskNext, target: Target, verdict: Verdict
    ) -> Reply:
        fresh = self._judge.freshness(target, verdict)
        missing = self._instead.missing(query)
        if verdict.addresses:
            return apply.to_addresses(query, verdict, verdict.addresses, missing, fresh)
        if verdict.cname is not None:
            chased = None
            if query.qtype not in (Type.CNAME, Type.ANY):
                reply = await self._resolve(query.renamed(verdict.cname, Via.CNAME), ctx, ask_next)
                if isinstance(reply, Drop):
                    return reply
                if reply.rcode == Rcode.SERVFAIL:
                    return reply.changed(fresh=reply.fresh.within(fresh))
                chased = reply
            return apply.to_alias(query, verdict, chased, missing, fresh)
        if verdict.upstreams:
            answer = await self._ask_upstreams(query, verdict.upstreams, ctx.deadline)
            answer = apply.capped(answer.changed(fresh=answer.fresh.within(fresh)), verdict.ttl)
            return await self._judge_answer(query, ctx, ask_next, target, answer)
        return await self._to_endpoints(query, ctx, ask_next, target, verdict)

    async def _to_endpoints(
        self, query: Query, ctx: QueryContext, ask_next: AskNext, target: Target, verdict: Verdict
    ) -> Reply:
        assert target.namespace is not None or not verdict.endpoints
        ready = {
            e.address for s in self._view.slices(target.namespace or "", target.name or "") for e in s.endpoints
        }  # fmt: skip
        if not set(verdict.endpoints) <= ready:
            return self._instead.failed(query, ctx, "redirect to an address that is no ready endpoint of the service")
        fresh = self._judge.freshness(target, verdict).resting(target.rests)
        if query.qtype == Type.SRV:
            reply = await ask_next(query, ctx)
            if not isinstance(reply, Answer):
                return reply
            kept = apply.keep_endpoints(reply, verdict.endpoints)
            return apply.capped(kept.changed(fresh=kept.fresh.within(fresh)), verdict.ttl)
        chosen = apply.to_addresses(query, verdict, verdict.endpoints, self._instead.missing(query), fresh)
        return chosen.changed(ordered=True)

    async def _resolve(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        """Resolve a name that a policy or an alias brought up, judged as if the client had typed it."""
        target = self._view.targets(query.name, self._zones, self._judge.reads_endpoints)[0]
        verdict = await self._judge.judge(query, ctx, Phase.QUERY, target)
        if _passes(verdict):
            return await ctx.resolve(query, ctx)
        return await self._apply(query, ctx, ask_next, target, verdict)

    def _watched(
        self, query: Query, ctx: QueryContext, target: Target, answer: Answer, allowed: Verdict | None
    ) -> Answer:
        """The answer as it is; the candidate is asked about it, which the policy in force cannot tell from the name."""
        if allowed is None or allowed.beside is None:
            return answer
        question = PolicyInput(Phase.RESPONSE, ctx.identity, query, target, answer_facts(answer))
        return answer.changed(fresh=answer.fresh.within(self._judge.watch(question, ctx, allowed)))

    async def _judge_answer(
        self, query: Query, ctx: QueryContext, ask_next: AskNext, target: Target, answer: Answer,
        allowed: Verdict | None = None,
    ) -> Reply:  # fmt: skip
        """The response phase: each alias as a name, then the answer as a whole. `allowed`: what let the query pass."""
        chain = aliases(answer)
        if len(chain) > MAX_ALIASES:
            return self._instead.failed(query, ctx, TOO_MANY_ALIASES)
        for name in chain:
            alias = query.renamed(name, Via.CNAME)
            found = self._view.targets(name, self._zones, self._judge.reads_endpoints)[0]
            verdict = await self._judge.judge(alias, ctx, Phase.QUERY, found, trigger=f"cname:{name}")
            answer = answer.changed(fresh=answer.fresh.within(self._judge.freshness(found, verdict)))
            if not _passes(verdict):
                ctx.original = answer
                return await self._cut(query, alias, ctx, ask_next, found, verdict, answer)
            answer = apply.capped(answer, verdict.ttl)
        if not self._judge.reads_answers:
            return self._watched(query, ctx, target, answer, allowed) if self._judge.watches_answers else answer
        verdict = await self._judge.judge(query, ctx, Phase.RESPONSE, target, answer_facts(answer), trigger="answer")
        if _passes(verdict):
            answer = _replace(answer, fresh=self._judge.limited(answer.fresh, target, verdict))
            return apply.capped(answer, verdict.ttl)
        ctx.original = answer
        answer = answer.changed(fresh=answer.fresh.within(self._judge.freshness(target, verdict)))
        if verdict.action is Action.REWRITE:
            return self._instead.failed(query, ctx, "a rewrite in the response phase")
        if verdict.action is Action.BLOCK:
            fresh = Freshness(answer.fresh.ttl, answer.fresh.rests)
            return self._instead.blocked(query, verdict, fresh)
        reply = await self._turn(query, ctx, ask_next, target, verdict)
        if not isinstance(reply, Answer):
            return reply
        grounds = Freshness(answer.fresh.ttl, answer.fresh.rests)
        return reply.changed(fresh=reply.fresh.within(grounds))

    async def _cut(
        self, query: Query, alias: Query, ctx: QueryContext, ask_next: AskNext, found: Target, verdict: Verdict,
        answer: Answer,
    ) -> Reply:  # fmt: skip
        """An alias in the answer may not be followed as it is: block all, or go on from there as the verdict says."""
        if verdict.action is Action.BLOCK:
            fresh = Freshness(answer.fresh.ttl, answer.fresh.rests)
            return self._instead.blocked(query, verdict, fresh)
        reply = await self._apply(alias, ctx, ask_next, found, verdict)
        if not isinstance(reply, Answer):
            return reply
        if reply.rcode == Rcode.SERVFAIL:
            return reply.changed(fresh=reply.fresh.also(answer.fresh))
        before = []
        for record in answer.answer:
            before.append(record)
            if record.type == Type.CNAME and name_in(record) == alias.name:
                break
        return reply.changed(answer=(*before, *reply.answer), fresh=reply.fresh.also(answer.fresh))


def _passes(verdict: Verdict) -> bool:
    """Whether the answer stays as it is."""
    return verdict.action is _ALLOW
