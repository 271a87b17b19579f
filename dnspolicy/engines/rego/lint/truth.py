"""Checks of what can be true at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dnspolicy.engines.rego.lint.finding import Check, Finding
from dnspolicy.engines.rego.lint.looked import Looked
from dnspolicy.engines.rego.lint.reads import shown
from dnspolicy.engines.rego.program import Placed
from dnspolicy.engines.rego.tree import (
    Assign,
    Body,
    Compound,
    Does,
    Expr,
    Literal,
    Op,
    Query,
    Statement,
    parts,
    queries,
)

NAMES = {("query", "name"), ("query", "asked"), ("query", "suffixes", None), ("query", "labels", None)}
TYPES = ("query", "type")
_ORDERS = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}
Allowed = dict[tuple[str | None, ...], tuple[set[object], int]]


def never_fires(looked: Looked) -> Iterator[Finding]:
    """Conditions that contradict each other, or themselves."""
    for placed in looked.rules:
        for query in queries(placed.rule):
            yield from _contradictions(looked, placed, query)


def _contradictions(looked: Looked, placed: Placed, query: Query) -> Iterator[Finding]:
    allowed: Allowed = {}
    for statement in query.statements:
        if statement.does is not Does.HOLDS or statement.expr is None or statement.mods:
            continue
        if _is_false(statement.expr):
            yield looked.finding(
                Check.NEVER_FIRES, placed.module, statement.at, "this is never true", "take the rule out"
            )
        wanted = _wanted(looked, placed, statement.expr)
        if wanted is None:
            continue
        path, values = wanted
        before = allowed.get(path)
        both = values & before[0] if before else values
        if before and not both:
            line = looked.place(placed.module, before[1]).rpartition(":")[2]
            what = f"never true together with line {line}: both are about {shown(path)}"
            yield looked.finding(
                Check.NEVER_FIRES, placed.module, statement.at, what, "write two rules if either is meant"
            )
        allowed[path] = (both or values, statement.at)


def _is_false(expr: Expr) -> bool:
    if isinstance(expr, Literal):
        return expr.value is False
    if isinstance(expr, Op) and expr.name in _ORDERS and all(isinstance(o, Literal) for o in expr.operands):
        left, right = (o.value for o in expr.operands if isinstance(o, Literal))
        return type(left) is type(right) and not _ORDERS[expr.name](left, right)
    return False


def _wanted(looked: Looked, placed: Placed, expr: Expr) -> tuple[tuple[str | None, ...], set[object]] | None:
    """The constant path of the input, and the values, that an equation or a membership is about."""
    for one, other in _pairs(expr, ("eq", "in")):
        path, values = looked.reads.path(placed, one), _constants(other)
        if path and None not in path and values is not None:
            return path, values
    return None


def _pairs(expr: Expr, names: tuple[str, ...]) -> Iterator[tuple[Expr, Expr]]:
    """Both sides of a comparison, in either order; only the one order for a membership."""
    if (isinstance(expr, Op) and expr.name in names) or (isinstance(expr, Assign) and expr.unifies):
        sides = tuple(parts(expr))
        if len(sides) == 2:
            yield sides[0], sides[1]
            if not (isinstance(expr, Op) and expr.name == "in"):
                yield sides[1], sides[0]


def _constants(expr: Expr) -> set[object] | None:
    """The values of a constant or of a collection of constants."""
    items = expr.items if isinstance(expr, Compound) else (expr,)
    values: set[object] = {i.value for i in items if isinstance(i, Literal)}
    return values if items and all(isinstance(i, Literal) for i in items) else None


def unknown_value(looked: Looked) -> Iterator[Finding]:
    """A comparison with a text that never stands there."""
    for placed in looked.rules:
        for query in queries(placed.rule):
            for statement in query.statements:
                yield from _values(looked, placed, statement)


def _values(looked: Looked, placed: Placed, statement: Statement) -> Iterator[Finding]:
    for one, other in _pairs(statement.expr, ("eq", "ne", "in")) if statement.expr is not None else ():
        path = looked.reads.path(placed, one)
        items = other.items if isinstance(other, Compound) else (other,)
        for item in items if path else ():
            if path and isinstance(item, Literal) and isinstance(item.value, str):
                wrong = _wrong(looked, path, item.value)
                if wrong:
                    what = f"{shown(path)} is never {item.value!r}"
                    yield looked.finding(Check.UNKNOWN_VALUE, placed.module, item.at, what, wrong)


def _wrong(looked: Looked, path: tuple[str | None, ...], value: str) -> str:
    """What to write instead of a text that never stands at a path; empty when it can."""
    known = looked.shapes.values(path)
    if known is not None and value not in known:
        return f"it is one of {', '.join(known)}"
    if path in NAMES and (value != value.lower() or (value.endswith(".") and value != ".")):
        return "names are lower case without the final dot"
    if path == TYPES and not re.fullmatch(r"[A-Z][A-Z0-9-]*", value):
        return "types are upper case, such as A or TYPE65280"
    return ""


def unreachable_else(looked: Looked) -> Iterator[Finding]:
    """An else after a body without a condition."""
    for placed in looked.rules:
        sure: Body | None = None
        for body in placed.rule.bodies:
            if sure is not None and body.otherwise and body.value is not None:
                what = "this else is never reached: the one before it has no condition"
                yield looked.finding(Check.UNREACHABLE_ELSE, placed.module, body.value.at, what, "take one of them out")
                break
            if _unconditional(body):
                sure = body


def _unconditional(body: Body) -> bool:
    """Whether a body always holds."""
    statements = body.query.statements if body.query is not None else ()
    return all(s.does is Does.HOLDS and isinstance(s.expr, Literal) and s.expr.value is True for s in statements)
