"""Values that may be undefined, where the embedded engine goes on with something else than Open Policy Agent.

A membership (`x in y`) of what is undefined is false, not undefined. And a function whose value is undefined does not
try its `else`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from dnspolicy.engines.rego.certain import Certainty, Known, steps_of
from dnspolicy.engines.rego.tree import (
    Call,
    Comprehension,
    Does,
    Expr,
    Literal,
    Op,
    Query,
    Rule,
    exprs_of,
    parts,
    queries,
)

FALLIBLE = frozenset({
    "base64.decode", "base64url.decode", "hex.decode", "json.patch", "json.unmarshal",
    "net.cidr_contains", "semver.compare", "time.parse_duration_ns", "time.parse_rfc3339_ns", "to_number",
    "yaml.unmarshal",
})  # fmt: skip
"""Builtins without a value for some arguments of the right kind."""
_DIVIDES = ("div", "mod")


def fallen(rule: Rule, certainty: Certainty) -> Iterator[Expr]:
    """Values of a function that may be undefined, though an `else` follows."""
    for body, following in pairwise(rule.bodies if rule.arguments else ()):
        if body.value is not None and following.otherwise:
            yield from _doubt(body.value, certainty.knowing(_held(body.query)))


def members(rule: Rule, certainty: Certainty) -> Iterator[Expr]:
    """What may be undefined in a membership whose value is used. One that is a condition may be: it does not hold."""
    for membership, query in _memberships(rule):
        for operand in membership.operands:
            yield from _doubt(operand, certainty.knowing(_held(query)))


def _memberships(rule: Rule) -> Iterator[tuple[Op, Query | None]]:
    """Memberships that are more than a condition, each with the query it is in."""
    first = rule.bodies[0].query if rule.bodies else None
    for expr in (rule.key, *rule.path):
        yield from _inside(expr, first)
    for body in rule.bodies:
        yield from _inside(body.value, body.query)
    for query in queries(rule):
        for statement in query.statements:
            if statement.does is Does.NOT:  # a guard of its own looks at these
                continue
            for expr in exprs_of(statement):
                condition = expr is statement.expr and _is_membership(expr)
                for part in parts(expr) if condition else (expr,):
                    yield from _inside(part, query)


def _inside(expr: Expr | None, query: Query | None) -> Iterator[tuple[Op, Query | None]]:
    if expr is None:
        return
    if isinstance(expr, Op) and _is_membership(expr):
        yield expr, query
    within = expr.body if isinstance(expr, Comprehension) else query
    for part in parts(expr):
        yield from _inside(part, within)


def _is_membership(expr: Expr) -> bool:
    return isinstance(expr, Op) and expr.name == "in"


def _doubt(expr: Expr, certainty: Certainty) -> Iterator[Expr]:
    """The first part that may be undefined, if any."""
    doubt = certainty.doubt(expr)
    found = doubt if doubt is not None else next(filter(_fails, _evaluated(expr)), None)
    if found is not None:
        yield found


def _fails(expr: Expr) -> bool:
    if isinstance(expr, Op) and expr.name in _DIVIDES:
        divisor = expr.operands[-1]
        return not (isinstance(divisor, Literal) and divisor.value)
    return isinstance(expr, Call) and expr.function in FALLIBLE


def _held(query: Query | None) -> Known:
    """The references that a query needs: where it is true, they have a value."""
    found: set[tuple[object, ...]] = set()
    for statement in query.statements if query is not None else ():
        if statement.does is Does.HOLDS and statement.expr is not None and not statement.mods:
            condition = _is_membership(statement.expr)
            needed = [
                e for part in (parts(statement.expr) if condition else [statement.expr]) for e in _evaluated(part)
            ]
        else:
            needed = list(_evaluated(statement.over)) if statement.does is Does.SOME_IN and statement.over else []
        for expr in needed:
            steps = steps_of(expr)
            whole = isinstance(expr, Call | Literal)
            found.update(steps[:length] for length in range(len(steps) if whole else 1, len(steps) + 1))
    return frozenset(found)


def _evaluated(expr: Expr) -> Iterator[Expr]:
    """An expression and all inside it without which it has no value."""
    yield expr
    if not isinstance(expr, Comprehension) and not _is_membership(expr):
        for part in parts(expr):
            yield from _evaluated(part)
