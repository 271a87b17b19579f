"""The `view` directive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.chain.conditions import functions
from dnspolicy.chain.metadata import Metadata
from dnspolicy.corefile.expression import Expression, ExpressionError, Kind, compile_expression
from dnspolicy.corefile.schema import Positional


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A line `expr EXPRESSION`, word by word."""

    words: Annotated[tuple[str, ...], Positional]

    def __post_init__(self) -> None:
        try:
            self.expression(Metadata())
        except ExpressionError as problem:
            raise ValueError(problem.placed_in(self.words)) from None

    def expression(self, metadata: Metadata) -> Expression:
        """The expression, compiled; `metadata` knows the labels it may ask for. Raises ExpressionError."""
        made = compile_expression(" ".join(self.words), functions(metadata))
        if made.kind is not Kind.TRUTH:
            raise ExpressionError(f"an expression must be {Kind.TRUTH}, not {made.kind}", 0)
        return made


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`view NAME { expr EXPRESSION… }`."""

    name: Annotated[str, Positional]
    expr: tuple[Condition, ...] = ()
