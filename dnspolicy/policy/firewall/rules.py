"""Rule lists as values: `firewall query { … }` and `firewall response { … }`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from dnspolicy.model.verdict import Action, BlockAs, Phase
from dnspolicy.policy.firewall.fields import ADDRESS
from dnspolicy.policy.firewall.parser import parse
from dnspolicy.policy.firewall.syntax import BadCondition, Called, Node, fields_of, nodes_of


class Direction(StrEnum):
    """Which questions a list is about. The values are the words of the Corefile."""

    QUERY = "query"
    RESPONSE = "response"

    @property
    def phase(self) -> Phase:
        return Phase(self.value)


class Listed(StrEnum):
    """What a rule does."""

    ALLOW = "allow"
    BLOCK = "block"
    REFUSE = "refuse"
    DROP = "drop"

    @property
    def action(self) -> Action:
        return Action.ALLOW if self is Listed.ALLOW else Action.BLOCK

    @property
    def block_as(self) -> BlockAs:
        return {Listed.REFUSE: BlockAs.REFUSED, Listed.DROP: BlockAs.DROP}.get(self, BlockAs.NXDOMAIN)


class Rule(msgspec.Struct, frozen=True, eq=False):
    """`ACTION EXPRESSION`. `text` is the expression as it was written."""

    does: Listed
    text: str
    condition: Node

    @property
    def per_address(self) -> bool:
        """Whether it is about each address of the answer by itself."""
        return any(field.name == ADDRESS for field in fields_of(self.condition))

    @property
    def fleeting(self) -> bool:
        """Whether the same question may go another way the next time."""
        return any(isinstance(node, Called) and node.name == "random" for node in nodes_of(self.condition))


class Asked(msgspec.Struct, frozen=True):
    """`opa ENGINE`: another engine decides, if it says something."""

    engine: str


class RuleList(msgspec.Struct, frozen=True, eq=False):
    """The rules of one direction, in their order. If none decides: block queries, allow responses."""

    direction: Direction
    rules: tuple[Rule | Asked, ...]


def rule_of(direction: Direction, action: str, words: Sequence[str]) -> Rule:
    """The rule of a line. Raises BadCondition."""
    try:
        does = Listed(action)
    except ValueError:
        raise BadCondition(f"{action!r} is no action; they are {', '.join(Listed)}") from None
    text = " ".join(words)
    condition = parse(text)
    early = [field.name for field in fields_of(condition) if field.response]
    if early and direction is Direction.QUERY:
        raise BadCondition(f"{early[0]!r} is known only in a list for responses")
    return Rule(does, text, condition)
