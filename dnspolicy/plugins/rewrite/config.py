"""The `rewrite` directive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dnspolicy.corefile.schema import Positional, Rest
from dnspolicy.plugins.rewrite.parse import parse
from dnspolicy.plugins.rewrite.rules import Rule


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, in words of the line or in lines of the block. Raises ValueError for words that are no rule."""

    words: Annotated[tuple[str, ...], Positional] = ()
    lines: Annotated[tuple[tuple[str, ...], ...], Rest] = ()

    def __post_init__(self) -> None:
        if len(self.words) > 1 and self.lines:
            raise ValueError(f"{self.lines[0][0]!r} stands in a block, but the rule is on the line already")
        self.rule()

    def rule(self) -> Rule:
        """The rule that was written."""
        return parse((*self.words, *(word for line in self.lines for word in line)))
