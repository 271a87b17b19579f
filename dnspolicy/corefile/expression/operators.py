"""Operators: which kinds they take, and what they do."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from dnspolicy.corefile.expression.values import ExpressionError, Kind, Node, Run
from dnspolicy.corefile.regex import Regex

MAX_RANGE = 1_000_000
PRECEDENCE: Mapping[str, int] = {
    "or": 10, "||": 10,
    "and": 15, "&&": 15,
    "==": 20, "!=": 20, "<": 20, ">": 20, "<=": 20, ">=": 20,
    "in": 20, "matches": 20, "contains": 20, "startsWith": 20, "endsWith": 20,
    "..": 25,
    "+": 30, "-": 30,
    "*": 60, "/": 60, "%": 60,
}  # fmt: skip
"""Binary operators; the higher binds tighter."""
UNARY: Mapping[str, int] = {"not": 50, "!": 50, "-": 90, "+": 90}
NEGATABLE = frozenset(("in", "matches", "contains", "startsWith", "endsWith"))
"""Operators that may have `not` in front."""

_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": lambda a, b: abs(a) % abs(b) * (-1 if a < 0 else 1),  # the sign is that of the first, as in Go
}
_TEXTS: dict[str, Callable[[Any, Any], Any]] = {
    "contains": lambda text, part: part in text,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
}


def unary(sign: str, node: Node, at: int) -> Node:
    """`!x`, `not x`, `-x` or `+x`. Raises ExpressionError."""
    run = node.run
    if sign in ("!", "not"):
        _want(Kind.TRUTH, node, sign)
        return _made(Kind.TRUTH, lambda s: not run(s), at, node)
    _want(Kind.NUMBER, node, sign)
    return _made(Kind.NUMBER, (lambda s: -run(s)) if sign == "-" else run, at, node)


def binary(sign: str, left: Node, right: Node, at: int) -> Node:
    """`left sign right`; `at` is where the sign stands. Raises ExpressionError."""
    a, b = left.run, right.run
    if sign in ("and", "&&", "or", "||"):
        return _logical(sign in ("and", "&&"), sign, left, right, at)
    if sign in ("==", "!="):
        _want_alike(sign, left, right, at)
        return _made(Kind.TRUTH, _applied(operator.eq if sign == "==" else operator.ne, a, b), at, left, right)
    if sign == "in":
        return _membership(left, right, at)
    if sign == "matches":
        return _matching(left, right, at)
    if sign == "..":
        return _range(left, right, at)
    if sign in _TEXTS:
        _want(Kind.TEXT, left, sign)
        _want(Kind.TEXT, right, sign)
        return _made(Kind.TRUTH, _applied(_TEXTS[sign], a, b), at, left, right)
    return _computed(sign, left, right, at)


def choice(condition: Node, then: Node, other: Node, at: int) -> Node:
    """`condition ? then : other`. Raises ExpressionError."""
    _want(Kind.TRUTH, condition, "?")
    _want_alike("? :", then, other, at)
    test, a, b = condition.run, then.run, other.run
    return _made(then.kind, lambda s: a(s) if test(s) else b(s), at, condition, then, other)


def _logical(both: bool, sign: str, left: Node, right: Node, at: int) -> Node:
    _want(Kind.TRUTH, left, sign)
    _want(Kind.TRUTH, right, sign)
    a, b = left.run, right.run
    return _made(Kind.TRUTH, (lambda s: a(s) and b(s)) if both else (lambda s: a(s) or b(s)), at, left, right)


def _computed(sign: str, left: Node, right: Node, at: int) -> Node:
    """Order and arithmetic, of two numbers or two texts."""
    texts = left.kind is Kind.TEXT and (sign in _ORDER or sign == "+")
    _want(Kind.TEXT if texts else Kind.NUMBER, left, sign)
    _want_alike(sign, left, right, at)
    kind = Kind.TRUTH if sign in _ORDER else left.kind
    return _made(kind, _applied(_ORDER.get(sign) or _ARITHMETIC[sign], left.run, right.run), at, left, right)


def _membership(left: Node, right: Node, at: int) -> Node:
    _want(Kind.LIST, right, "in")
    if right.items is not None and right.items is not left.kind:
        raise ExpressionError(f"{left.kind} is looked for in a list that holds {_plural(right.items)}", at)
    return _made(Kind.TRUTH, _applied(_among, left.run, right.run), at, left, right)


def _matching(left: Node, right: Node, at: int) -> Node:
    _want(Kind.TEXT, left, "matches")
    _want(Kind.TEXT, right, "matches")
    if not right.constant:
        raise ExpressionError("a pattern that is not known before a query comes", right.at)
    try:
        matches = Regex(right.value).matches
    except ValueError as problem:
        raise ExpressionError(str(problem), right.at) from None
    text = left.run
    return _made(Kind.TRUTH, lambda s: matches(text(s)), at, left)


def _range(left: Node, right: Node, at: int) -> Node:
    low, high = left.value, right.value
    if not isinstance(low, int) or not isinstance(high, int):
        raise ExpressionError("a range needs two whole numbers", at)
    if high - low >= MAX_RANGE:
        raise ExpressionError(f"a range of more than {MAX_RANGE} numbers", at)
    span = range(low, high + 1)
    return Node(Kind.LIST, lambda _: span, at, True, Kind.NUMBER)


def _among(value: Any, items: Any) -> bool:
    if isinstance(items, range) and isinstance(value, float):  # which Python would look for one by one
        return value.is_integer() and int(value) in items
    return value in items


def _applied(apply: Callable[[Any, Any], Any], a: Run, b: Run) -> Run:
    return lambda s: apply(a(s), b(s))


def _made(kind: Kind, run: Run, at: int, *parts: Node) -> Node:
    """A part made of others, worked out at once when they are constants. Raises ExpressionError."""
    if not all(part.constant for part in parts):
        return Node(kind, run, at, items=parts[-1].items)
    try:
        value = run(None)
    except (ArithmeticError, ValueError) as problem:
        raise ExpressionError(str(problem), at) from None
    return Node(kind, lambda _: value, at, True, parts[-1].items)


def _want(kind: Kind, node: Node, sign: str) -> None:
    if node.kind is not kind:
        raise ExpressionError(f"{sign} takes {kind}, not {node.kind}", node.at)


def _want_alike(sign: str, left: Node, right: Node, at: int) -> None:
    if left.kind is not right.kind or (left.items and right.items and left.items is not right.items):
        raise ExpressionError(f"{sign} takes two of a kind, not {left.kind} and {right.kind}", at)


def _plural(kind: Kind) -> str:
    return {Kind.TEXT: "texts", Kind.NUMBER: "numbers", Kind.LIST: "lists", Kind.TRUTH: "true and false"}[kind]
