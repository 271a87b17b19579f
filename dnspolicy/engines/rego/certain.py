"""Which expressions certainly have a value, whatever the input."""

from __future__ import annotations

from collections.abc import Callable

from dnspolicy.engines.rego.program import Meaning, Placed, Program, step_text
from dnspolicy.engines.rego.tree import (
    Assign,
    Call,
    Comprehension,
    Does,
    Expr,
    Literal,
    Module,
    Ref,
    Rule,
    RuleKind,
    Var,
    parts,
    queries,
    walk,
)
from dnspolicy.policy.footprint import ALWAYS

Known = frozenset[tuple[object, ...]]
"""References that have a value, by their steps."""


class Certainty:
    """Knows what is always defined in one module: literals, bound variables, the keys every input has, defaults.

    `known`: references that have a value for another reason.
    """

    def __init__(
        self, program: Program, module: Module, local: frozenset[str] = frozenset(), known: Known = frozenset()
    ) -> None:
        self._program = program
        self._module = module
        self._local = local
        self._known = known
        self._asked: set[int] = set()

    def knowing(self, known: Known) -> Certainty:
        """The same where these references have a value."""
        return Certainty(self._program, self._module, self._local, known)

    def of(self, expr: Expr) -> bool:
        """Whether the expression has a value whenever its variables are bound."""
        return self.doubt(expr) is None

    def doubt(self, expr: Expr) -> Expr | None:
        """The first part that may be undefined."""
        if isinstance(expr, Literal | Comprehension):
            return None
        if isinstance(expr, Var | Ref):
            return self._reference(expr)
        if isinstance(expr, Call) and steps_of(expr) in self._known:
            return None
        if isinstance(expr, Call) and not self._call(expr):
            return expr
        return next((d for d in map(self.doubt, parts(expr)) if d is not None), None)

    def steps_doubt(self, expr: Expr) -> Expr | None:
        """The first step of a reference that may be undefined, or its head when that is a call or a value."""
        if not isinstance(expr, Ref):
            return None
        inner = expr.steps if isinstance(expr.head, Var) else (expr.head, *expr.steps)
        return next((d for d in map(self.doubt, inner) if d is not None), None)

    def _reference(self, expr: Var | Ref) -> Expr | None:
        head = expr.head if isinstance(expr, Ref) else expr
        meaning = None if isinstance(head, Var) and head.name in self._local else self.meaning(expr)
        if steps_of(expr) in self._known:
            return None
        if meaning is None:
            return None if isinstance(expr, Var) else expr
        texts = [step_text(s) for s in meaning.steps]
        path = (*meaning.path, *[t for t in texts if t is not None])
        if None in texts:
            return expr
        if meaning.root == "input":
            return None if path in ALWAYS else expr
        return None if self._data(path) else expr

    def meaning(self, expr: Expr) -> Meaning | None:
        """What a name means in this module, unless it is local."""
        return self._program.meaning(self._module, expr)

    def _data(self, path: tuple[str, ...]) -> bool:
        found = self._program.matching(path)
        if not found:
            return self._program.has_data(path)
        exact = [p for p in found if p.path == path]
        return any(p.rule.kind is RuleKind.DEFAULT or self._rule(p) for p in exact)

    def _rule(self, placed: Placed) -> bool:
        """Whether one rule alone makes its path defined."""
        rule = placed.rule
        if rule.kind is RuleKind.PARTIAL:
            return rule.key is not None and not placed.rule.arguments
        if rule.kind is not RuleKind.COMPLETE or id(rule) in self._asked:
            return False
        self._asked.add(id(rule))
        first = rule.bodies[0]
        sure = first.query is None and first.value is not None
        return sure and Certainty(self._program, placed.module).of(first.value) if first.value is not None else False

    def _call(self, call: Call) -> bool:
        """Builtins give a value or an error; a function of ours is certain with a default, or an `else` at the end."""
        path = self._program.function(self._module, call)
        if path is None:
            return True
        return any(p.rule.kind is RuleKind.DEFAULT or self._ends(p) for p in self._program.matching(path))

    def _ends(self, placed: Placed) -> bool:
        """Whether a function takes whatever it is given and ends without a condition, with a value."""
        rule, last = placed.rule, placed.rule.bodies[-1]
        conditions = last.query.statements if last.query is not None else ()
        if last.value is None or id(rule) in self._asked:
            return False
        inner = Certainty(self._program, placed.module, declared(rule))
        inner._asked = {*self._asked, id(rule)}
        free = all(isinstance(c.expr, Literal) and c.expr.value is True for c in conditions)
        return free and all(isinstance(a, Var) for a in rule.arguments) and inner.of(last.value)


def steps_of(expr: Expr) -> tuple[object, ...]:
    """What a variable, reference or call is written of, the same wherever it stands; empty for anything else."""
    if isinstance(expr, Var):
        return (expr.name,)
    if isinstance(expr, Literal):
        return (type(expr.value), expr.value)
    if isinstance(expr, Call):
        found = [steps_of(a) for a in expr.arguments]
        return (Call, expr.function, *found) if all(found) else ()
    if isinstance(expr, Ref) and isinstance(expr.head, Var):
        found = [steps_of(step) for step in expr.steps]
        return (expr.head.name, *found) if all(found) else ()
    return ()


def declared(rule: Rule) -> frozenset[str]:
    """Names that the rule makes its own: arguments, `some`, `every` and `:=`."""
    names = {e.name for a in rule.arguments for e in walk(a) if isinstance(e, Var)}
    for query in queries(rule):
        for statement in query.statements:
            names |= {e.name for b in statement.binds for e in walk(b) if isinstance(e, Var)}
            if isinstance(statement.expr, Assign) and not statement.expr.unifies:
                names |= {e.name for e in walk(statement.expr.left) if isinstance(e, Var)}
    return frozenset(names)


def bound(rule: Rule) -> set[str]:
    """Names that something other than a negation can give a value to."""
    names = {e.name for a in rule.arguments for e in walk(a) if isinstance(e, Var)}
    for query in queries(rule):
        for statement in query.statements:
            if statement.does is not Does.SOME:
                names |= {e.name for b in statement.binds for e in walk(b) if isinstance(e, Var)}
            if statement.does is not Does.NOT and statement.expr is not None:
                names |= {e.name for e in walk(statement.expr) if isinstance(e, Var)}
    return names


def iterates(rule: Rule, fixed: Callable[[Var], bool]) -> bool:
    """Whether a body of the rule can be true in several ways. `fixed`: whether a variable has one value only."""
    for body in rule.bodies:
        for statement in body.query.statements if body.query is not None else ():
            if statement.does in (Does.SOME, Does.SOME_IN):
                return True
            for expr in walk(statement.expr) if statement.expr is not None else ():
                if isinstance(expr, Call) and expr.function == "walk":
                    return True
                if any(isinstance(s, Var) and not fixed(s) for s in (expr.steps if isinstance(expr, Ref) else ())):
                    return True
    return False


def assigned(rule: Rule) -> set[str]:
    """Names that a body gives one value by `:=`."""
    return {
        s.expr.left.name
        for body in rule.bodies
        if body.query is not None
        for s in body.query.statements
        if isinstance(s.expr, Assign) and isinstance(s.expr.left, Var)
    }
