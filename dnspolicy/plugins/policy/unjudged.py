"""Before the cluster is loaded nobody knows who asks, so the policy is not asked either."""

from __future__ import annotations

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.plugin import AskNext
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.query import Query, Via
from dnspolicy.model.verdict import Action, Phase
from dnspolicy.plugins.policy import apply
from dnspolicy.plugins.policy.facts import MAX_ALIASES, TOO_MANY_ALIASES, aliases
from dnspolicy.plugins.policy.instead import Instead
from dnspolicy.plugins.policy.judge import Judge

NOBODY_KNOWS = "the cluster is not loaded yet, so nobody knows who asks"


async def unjudged(judge: Judge, instead: Instead, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
    """The reply, of which the failure table says what passes: the name, each alias of it, the answer."""

    def passes(about: Query, phase: Phase) -> bool:
        return judge.unavailable(about, ctx, phase, NOBODY_KNOWS).action is Action.ALLOW

    if not passes(query, Phase.QUERY):
        return apply.NOT_READY
    reply = await ask_next(query, ctx)
    if not isinstance(reply, Answer):
        return reply
    chain = aliases(reply)
    if len(chain) > MAX_ALIASES:
        return instead.failed(query, ctx, TOO_MANY_ALIASES)
    asked = [(query.renamed(name, Via.CNAME), Phase.QUERY) for name in chain]
    if judge.reads_answers and not reply.transfer:
        asked.append((query, Phase.RESPONSE))
    if not all(passes(each, phase) for each, phase in asked):
        return apply.NOT_READY
    return reply.changed(fresh=reply.fresh.capped(0.0))
