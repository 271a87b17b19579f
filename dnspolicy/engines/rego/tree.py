"""Rego's syntax tree as small values. `at` is the byte offset in the file's text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Union


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, truth value or null."""

    value: str | float | bool | None
    at: int


@dataclass(frozen=True, slots=True)
class Var:
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Ref:
    """`head.a[b]`: the head and the steps, texts for `.a` as for `["a"]`."""

    head: Expr
    steps: tuple[Expr, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """`function` is dotted, as written."""

    function: str
    arguments: tuple[Expr, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Compound:
    """An array, set or object: its items, for objects keys and values alike."""

    items: tuple[Expr, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Comprehension:
    heads: tuple[Expr, ...]
    body: Query
    at: int


@dataclass(frozen=True, slots=True)
class Op:
    """An operator: `eq`, `ne`, `lt`…, `add`…, `union`…, `neg`, `in`."""

    name: str
    operands: tuple[Expr, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Assign:
    """`left := right`, or `left = right` when it `unifies`."""

    left: Expr
    right: Expr
    unifies: bool
    at: int


Expr = Union[Literal, Var, Ref, Call, Compound, Comprehension, Op, Assign]  # noqa: UP007 names of later classes


class Does(Enum):
    """What a statement does with its expression."""

    HOLDS = "holds"
    NOT = "not"
    SOME = "some"
    SOME_IN = "some in"
    EVERY = "every"


@dataclass(frozen=True, slots=True)
class Statement:
    """`binds` are the variables or patterns of some and every; `over` the collection; `body` that of every."""

    does: Does
    at: int
    expr: Expr | None = None
    binds: tuple[Expr, ...] = ()
    over: Expr | None = None
    body: Query | None = None
    mods: tuple[tuple[Expr, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """One body with its value; `otherwise` for an else."""

    value: Expr | None
    query: Query | None
    otherwise: bool


class RuleKind(Enum):
    COMPLETE = "complete"
    PARTIAL = "partial"
    FUNCTION = "function"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Rule:
    """`path` is the name: texts, and expressions where it varies. `key` is the element of a partial set."""

    kind: RuleKind
    path: tuple[Expr, ...]
    at: int
    arguments: tuple[Expr, ...] = ()
    key: Expr | None = None
    bodies: tuple[Body, ...] = ()

    @property
    def name(self) -> str:
        """The constant beginning of the path, dotted."""
        return ".".join(constant(self.path))


@dataclass(frozen=True, slots=True)
class Import:
    alias: str
    path: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Module:
    file: str
    text: str
    package: tuple[str, ...]
    imports: tuple[Import, ...]
    rules: tuple[Rule, ...] = field(default=())


def constant(steps: tuple[Expr, ...]) -> tuple[str, ...]:
    """The leading steps that are constant texts."""
    found: list[str] = []
    for step in steps:
        if not (isinstance(step, Literal) and isinstance(step.value, str)):
            break
        found.append(step.value)
    return tuple(found)


def parts(expr: Expr) -> Iterator[Expr]:
    """The expressions directly inside; not those of a comprehension's body."""
    if isinstance(expr, Ref):
        yield expr.head
        yield from expr.steps
    elif isinstance(expr, Call):
        yield from expr.arguments
    elif isinstance(expr, Compound):
        yield from expr.items
    elif isinstance(expr, Comprehension):
        yield from expr.heads
    elif isinstance(expr, Op):
        yield from expr.operands
    elif isinstance(expr, Assign):
        yield expr.left
        yield expr.right


def queries(rule: Rule) -> Iterator[Query]:
    """Every query of a rule, also those inside."""
    for body in rule.bodies:
        if body.query is not None:
            yield from within(body.query)
        if body.value is not None:
            yield from _in_expr(body.value)
    for expr in (rule.key, *rule.path, *rule.arguments):
        if expr is not None:
            yield from _in_expr(expr)


def within(query: Query) -> Iterator[Query]:
    """A query and all queries inside it."""
    yield query
    for statement in query.statements:
        if statement.body is not None:
            yield from within(statement.body)
        for expr in exprs_of(statement):
            yield from _in_expr(expr)


def exprs_of(statement: Statement) -> Iterator[Expr]:
    """The expressions of a statement, without those of the body of an every."""
    for expr in (statement.expr, statement.over, *statement.binds):
        if expr is not None:
            yield expr
    for target, value in statement.mods:
        yield target
        yield value


def walk(expr: Expr) -> Iterator[Expr]:
    """An expression and all inside it, without the bodies of comprehensions."""
    yield expr
    for part in parts(expr):
        yield from walk(part)


def walk_all(expr: Expr) -> Iterator[Expr]:
    """An expression and all inside it, bodies of comprehensions too."""
    for inner in walk(expr):
        yield inner
        if isinstance(inner, Comprehension):
            yield from walk_query(inner.body)


def walk_query(query: Query) -> Iterator[Expr]:
    """All expressions of a query and of the queries inside it."""
    for statement in query.statements:
        for expr in exprs_of(statement):
            yield from walk_all(expr)
        if statement.body is not None:
            yield from walk_query(statement.body)


def walk_rule(rule: Rule) -> Iterator[Expr]:
    """All expressions of a rule."""
    for expr in (rule.key, *rule.path, *rule.arguments):
        if expr is not None:
            yield from walk_all(expr)
    for body in rule.bodies:
        if body.value is not None:
            yield from walk_all(body.value)
        if body.query is not None:
            yield from walk_query(body.query)


def _in_expr(expr: Expr) -> Iterator[Query]:
    for inner in walk(expr):
        if isinstance(inner, Comprehension):
            yield from within(inner.body)
