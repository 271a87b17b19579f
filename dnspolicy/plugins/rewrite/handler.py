"""The room: applies the rules to queries, and what they leave to be done to the answers."""

from __future__ import annotations

from collections.abc import Sequence

from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.letters import answer_in_letters_of
from dnspolicy.chain.metadata import Metadata
from dnspolicy.chain.plugin import NO_FACTS, AskNext, ClientFact
from dnspolicy.model.answer import Answer, Reply
from dnspolicy.model.query import Query, Via
from dnspolicy.plugins.rewrite.config import Config
from dnspolicy.plugins.rewrite.options import ForOption
from dnspolicy.plugins.rewrite.responses import Ask, Response
from dnspolicy.plugins.rewrite.rules import Turning, turned_by, valid

MAX_DEPTH = 8
"""How deep the server may have asked itself when an alias still gets another target."""


class Rewrite:
    """All `rewrite` directives of a server block, in the order of the file."""

    name = "rewrite"

    def __init__(self, configs: Sequence[Config], *, metadata: Metadata) -> None:
        self._rules = tuple(config.rule() for config in configs)
        self.concerns = turned_by(self._rules)
        self._metadata = metadata
        self._labels = tuple(label for rule in self._rules for label in rule.labels)
        self._reads = NO_FACTS.union(*(rule.reads for rule in self._rules if isinstance(rule, ForOption)))

    @property
    def reads(self) -> frozenset[ClientFact]:
        """What rules say of clients to upstreams, and what the metadata in them comes from."""
        return self._reads.union(*map(self._metadata.facts_of, self._labels))

    async def handle(self, query: Query, ctx: QueryContext, ask_next: AskNext) -> Reply:
        """Raises BadName when a rule made a name that is none."""
        turning = Turning(query, ctx, self._metadata)
        responses = self._turn(turning)
        if turning.query is query and not responses:
            return await ask_next(query, ctx)
        turned = turning.query
        reply = await ask_next(turned, ctx)
        if not isinstance(reply, Answer) or reply.transfer:
            return reply
        answer = reply
        if responses:
            ask = _asker(turned, ctx)
            for response in reversed(responses):
                answer = await response.change(answer, ask)
            answer = answer_in_letters_of(query.name, answer)
        return answer.changed(fresh=answer.fresh.capped(0.0)) if turning.once else answer

    def _turn(self, turning: Turning) -> list[Response]:
        responses: list[Response] = []
        for rule in self._rules:
            left = rule.turn(turning)
            if left is not None:
                responses += left
                if rule.stop:
                    break
        return responses


def _asker(query: Query, ctx: QueryContext) -> Ask:
    async def ask(text: str) -> Answer | None:
        if ctx.depth >= MAX_DEPTH:
            return None
        reply = await ctx.resolve(query.renamed(valid(text), Via.CNAME), ctx)
        return reply if isinstance(reply, Answer) else None

    return ask
