"""The view: says which queries its server block takes. It has no place in a chain, because it is asked before one."""

from __future__ import annotations

from dnspolicy.chain.conditions import fleeting, reads
from dnspolicy.chain.context import QueryContext
from dnspolicy.chain.metadata import Metadata, Subject
from dnspolicy.chain.plugin import NO_FACTS, ClientFact
from dnspolicy.model.query import Query
from dnspolicy.plugins.view.config import Config

LABEL = "view/name"


class View:
    """One `view` directive. `metadata` knows the labels of its server block.

    `fleeting`: two queries alike in question and client can be taken and not be taken.
    """

    name = "view"

    def __init__(self, config: Config, metadata: Metadata) -> None:
        self.view = config.name
        self._metadata = metadata
        expressions = [condition.expression(metadata) for condition in config.expr]
        self._calls = [call for expression in expressions for call in expression.calls]
        self._conditions = tuple(expression.run for expression in expressions)
        self.fleeting = fleeting(self._calls)

    @property
    def reads(self) -> frozenset[ClientFact]:
        """The client facts the conditions can tell apart. Complete once all rooms of the block are built."""
        return reads(self._calls, self._metadata)

    def admits(self, query: Query, ctx: QueryContext) -> bool:
        """Whether all conditions hold; one without a value does not. Never raises."""
        asked = (query, ctx)
        try:
            return all(condition(asked) for condition in self._conditions)
        except (ArithmeticError, ValueError):
            return False

    def describe(self, label: str, subject: Subject) -> str | None:
        return self.view if label == LABEL else None

    def facts_of(self, label: str) -> frozenset[ClientFact]:
        return NO_FACTS
