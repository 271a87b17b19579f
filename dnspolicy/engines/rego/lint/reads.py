"""Where a rule reads its input, with the path as written and the place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dnspolicy.engines.rego.program import Placed, Program, step_text
from dnspolicy.engines.rego.tree import (
    Assign,
    Call,
    Does,
    Expr,
    Module,
    Ref,
    Rule,
    RuleKind,
    Statement,
    Var,
    queries,
    walk_rule,
)

Path = tuple[str | None, ...]
"""Steps below `input`; None for one that is not constant."""
Aliases = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Read:
    """One reading. `alone`: the statement only wants to know that it is there."""

    path: Path
    at: int
    alone: bool = False

    @property
    def text(self) -> str:
        """As people write it."""
        return shown(self.path)


def shown(path: Path) -> str:
    """A path of the input as people write it."""
    return "input" + "".join("[…]" if s is None else f".{s}" if s.isidentifier() else f'["{s}"]' for s in path)


class Reads:
    """The reading of input in a program, rule by rule."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._naming = {id(m): _naming(program, m) for m in program.modules}
        self._known: dict[int, tuple[Read, ...]] = {}

    def of(self, placed: Placed) -> tuple[Read, ...]:
        """All readings of a rule, in the order of the text."""
        found = self._known.get(id(placed.rule))
        if found is None:
            found = tuple(sorted(self._rule(placed), key=lambda read: read.at))
            self._known[id(placed.rule)] = found
        return found

    def path(self, placed: Placed, expr: Expr) -> Path | None:
        """The path an expression stands for; None when it is not of the input."""
        return _path(self._aliases(placed), expr)

    def _aliases(self, placed: Placed) -> Aliases:
        aliases = dict(self._naming[id(placed.module)])
        for query in queries(placed.rule):
            for statement in query.statements:
                expr = statement.expr
                if isinstance(expr, Assign) and not expr.unifies and isinstance(expr.left, Var):
                    path = _path(aliases, expr.right)
                    if path is not None and None not in path:
                        aliases[expr.left.name] = tuple(s for s in path if s is not None)
        return aliases

    def _rule(self, placed: Placed) -> Iterator[Read]:
        aliases = self._aliases(placed)
        alone, silent = _statements(placed.rule, aliases)
        if placed.rule.name in self._naming[id(placed.module)] and len(placed.rule.path) == 1:
            return
        for expr in walk_rule(placed.rule):
            if isinstance(expr, Ref):
                silent.add(id(expr.head))
            if isinstance(expr, Call) and expr.function == "object.get" and len(expr.arguments) == 3:
                base, key = _path(aliases, expr.arguments[0]), step_text(expr.arguments[1])
                if base is not None and key is not None:
                    silent.add(id(expr.arguments[0]))
                    yield Read((*base, key), expr.arguments[0].at)
            path = _path(aliases, expr) if isinstance(expr, Ref | Var) and id(expr) not in silent else None
            if path is not None:
                yield Read(path, expr.at, id(expr) in alone)


def _statements(rule: Rule, aliases: Aliases) -> tuple[set[int], set[int]]:
    """Expressions that are a whole statement, and those not read: given another name, or replaced by `with`."""
    alone: set[int] = set()
    silent: set[int] = set()
    for query in queries(rule):
        for statement in query.statements:
            alone.add(id(statement.expr))
            silent |= {id(target) for target, _ in statement.mods}
            if statement.does in (Does.SOME, Does.SOME_IN, Does.EVERY):
                silent |= {id(bind) for bind in statement.binds}
            _named(statement, aliases, silent)
    return alone, silent


def _named(statement: Statement, aliases: Aliases, silent: set[int]) -> None:
    expr = statement.expr
    if isinstance(expr, Assign) and isinstance(expr.left, Var) and not expr.unifies:
        silent.add(id(expr.left))
        path = _path(aliases, expr.right)
        if path is not None and None not in path:
            silent.add(id(expr.right))


def _path(aliases: Aliases, expr: Expr) -> Path | None:
    head = expr.head if isinstance(expr, Ref) else expr
    if not isinstance(head, Var):
        return None
    base = () if head.name == "input" else aliases.get(head.name)
    if base is None:
        return None
    return (*base, *map(step_text, expr.steps)) if isinstance(expr, Ref) else base


def _naming(program: Program, module: Module) -> Aliases:
    """Names that imports and rules such as `client := input.client` give to paths of the input."""
    found: Aliases = {i.alias: i.path[1:] for i in module.imports if i.path[0] == "input"}
    for rule in module.rules:
        body = rule.bodies[0]
        if rule.kind is RuleKind.COMPLETE and len(rule.path) == len(rule.bodies) == 1 and body.query is None:
            path = _path(found, body.value) if body.value is not None else None
            if path is not None and None not in path and len(program.matching((*module.package, rule.name))) == 1:
                found[rule.name] = tuple(s for s in path if s is not None)
    return found
