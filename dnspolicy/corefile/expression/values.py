"""What the parts of an expression are once they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from dnspolicy.model.errors import DnsPolicyError

Run = Callable[[Any], Any]
"""From the subject of an expression to a value."""


class Kind(StrEnum):
    """Types of values, as complaints call them."""

    TRUTH = "true or false"
    NUMBER = "a number"
    TEXT = "a text"
    LIST = "a list"


class ExpressionError(DnsPolicyError):
    """An expression that cannot be used. `at` counts characters of its text from 0."""

    def __init__(self, why: str, at: int) -> None:
        super().__init__(why)
        self.at = at

    def placed_in(self, words: Sequence[str]) -> str:
        """The complaint, and which word of the text it is about: `words` joined by blanks are the text."""
        at = self.at
        for word in words:
            if at <= len(word):
                return f"{self}, at {word!r}"
            at -= len(word) + 1
        return f"{self}, at {words[-1]!r}"


class Node(msgspec.Struct, frozen=True):
    """A part of an expression. `items`: the kind of a list's items, None for an empty list.

    `constant`: it reads nothing of the subject.
    """

    kind: Kind
    run: Run
    at: int
    constant: bool = False
    items: Kind | None = None

    @property
    def value(self) -> Any:
        """The value of a constant; None for what is none."""
        return self.run(None) if self.constant else None


class Function(msgspec.Struct, frozen=True):
    """A function that expressions may call.

    `bind` gets the arguments that are constants (None for others) and gives what is called with the subject and all
    arguments; it may raise ValueError for constants that are wrong. An argument of kind None may be of any kind. A
    `bare` one is written without brackets, as a variable is.
    """

    arguments: tuple[Kind | None, ...]
    result: Kind
    bind: Callable[[tuple[Any, ...]], Callable[..., Any]]
    bare: bool = False


class Call(msgspec.Struct, frozen=True):
    """A function that an expression calls, with the arguments that are constants (None for others)."""

    name: str
    arguments: tuple[Any, ...]


def constant(kind: Kind, value: Any, at: int, items: Kind | None = None) -> Node:
    """A part that always has one value."""
    return Node(kind, lambda _: value, at, True, items)
