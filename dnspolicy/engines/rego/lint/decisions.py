"""The decisions a policy can make: the objects that become `decision` or a candidate, found by following names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dnspolicy.engines.rego.program import Placed, Program
from dnspolicy.engines.rego.tree import (
    Assign,
    Body,
    Call,
    Compound,
    Comprehension,
    Does,
    Expr,
    Literal,
    Query,
    Ref,
    RuleKind,
    Var,
)

CANDIDATES = ("dnspolicy", "candidates")
_KEY = re.compile(rb'(?:[^"\\`]|\\.)*["`]\s*:')


@dataclass(frozen=True, slots=True)
class Decision:
    """One object as written. `bodies` are those passed on the way to it, the outermost first."""

    placed: Placed
    keys: dict[str, Expr]
    at: int
    candidate: bool
    bodies: tuple[tuple[Placed, Query], ...]

    def text(self, key: str) -> str | None:
        """The constant text of a key."""
        value = self.keys.get(key)
        return value.value if isinstance(value, Literal) and isinstance(value.value, str) else None


def decisions(program: Program, entrypoint: tuple[str, ...]) -> list[Decision]:
    """Every object that can be followed from the entrypoint, or the candidates, without evaluating; each once."""
    tracer = _Tracer(program)
    for placed in program.rules:
        if placed.path[: len(CANDIDATES)] == CANDIDATES:
            tracer.rule(placed, True, ())
    for placed in program.rules:
        if placed.path == entrypoint:
            tracer.rule(placed, False, ())
    return list(tracer.found.values())


def object_keys(placed: Placed, expr: Expr) -> dict[str, Expr] | None:
    """The constant keys of an object literal with their values; None when it is something else, or a key varies."""
    if not isinstance(expr, Compound) or len(expr.items) % 2 or not expr.items:
        return None
    names = expr.items[::2]
    texts = [name.value for name in names if isinstance(name, Literal) and isinstance(name.value, str)]
    if len(texts) != len(names) or not _KEY.match(placed.module.text.encode(), names[0].at):
        return None
    return dict(zip(texts, expr.items[1::2], strict=True))


def _brace(placed: Placed, expr: Expr) -> int:
    """Where an object literal begins: its own place may be that of its first key."""
    found = placed.module.text.encode().rfind(b"{", 0, expr.at + 1)
    return expr.at if found < 0 else found


class _Tracer:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._seen: set[int] = set()
        self._met: set[int] = set()
        self.found: dict[int, Decision] = {}

    def rule(self, placed: Placed, candidate: bool, bodies: tuple[tuple[Placed, Query], ...]) -> None:
        if id(placed.rule) in self._seen or placed.module.file.endswith("_test.rego"):
            return
        self._seen.add(id(placed.rule))
        passed = bodies  # an else knows that what stands before it does not hold
        for body in placed.rule.bodies:
            for value in (placed.rule.key, body.value):
                if value is not None:
                    self._value(placed, body, value, candidate, passed)
            passed = passed if body.query is None else (*passed, (placed, body.query))

    def _value(
        self, placed: Placed, body: Body, value: Expr, candidate: bool, outer: tuple[tuple[Placed, Query], ...]
    ) -> None:
        if id(value) in self._met:
            return
        self._met.add(id(value))
        bodies = (*outer, (placed, body.query)) if body.query is not None else outer
        keys = object_keys(placed, value)
        if keys is not None and "action" in keys:
            self.found.setdefault(id(value), Decision(placed, keys, _brace(placed, value), candidate, bodies))
            return
        if isinstance(value, Var) and body.query is not None:
            for source in _sources(body.query, value.name):
                self._value(placed, Body(None, body.query, False), source, candidate, outer)
        if isinstance(value, Comprehension):
            for head in value.heads:
                self._value(placed, Body(None, value.body, False), head, candidate, bodies)
        for called in self._rules(placed, value):
            self.rule(called, candidate, bodies)

    def _rules(self, placed: Placed, value: Expr) -> Iterator[Placed]:
        path: tuple[str | None, ...] | None = None
        if isinstance(value, Call):
            path = self._program.function(placed.module, value)
        elif isinstance(value, Ref | Var):
            meaning = self._program.meaning(placed.module, value)
            path = meaning.pattern() if meaning is not None and meaning.root == "data" else None
        for known in self._program.rules if path else ():
            element = known.rule.kind is RuleKind.PARTIAL and path is not None and len(path) == len(known.path) + 1
            if path is not None and known.path == (path[:-1] if element else path):
                yield known


def _sources(query: Query, name: str) -> Iterator[Expr]:
    """What a variable of a body can stand for."""
    yield from assigned_to(query, name)
    for statement in query.statements:
        if statement.does is Does.SOME_IN and statement.over is not None:
            last = statement.binds[-1]
            if isinstance(last, Var) and last.name == name:
                yield statement.over


def assigned_to(query: Query, name: str) -> Iterator[Expr]:
    """What a body gives to a variable, or holds it equal to."""
    for statement in query.statements:
        expr = statement.expr
        if isinstance(expr, Assign):
            for here, there in ((expr.left, expr.right), (expr.right, expr.left)):
                if isinstance(here, Var) and here.name == name:
                    yield there
