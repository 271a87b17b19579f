"""Checks of how rules are called: by names that are few, as metrics, reports and roll-outs go by them."""

from __future__ import annotations

from collections.abc import Iterator

from dnspolicy.engines.rego.lint.decisions import assigned_to, object_keys
from dnspolicy.engines.rego.lint.finding import Check, Finding
from dnspolicy.engines.rego.lint.looked import Looked
from dnspolicy.engines.rego.lint.reads import Path, shown
from dnspolicy.engines.rego.program import Placed, step_text
from dnspolicy.engines.rego.tree import (
    Call,
    Compound,
    Comprehension,
    Does,
    Expr,
    Op,
    Query,
    Ref,
    RuleKind,
    Var,
    parts,
    queries,
    walk,
)

FEW = ("count", "contains", "startswith", "endswith", "glob.match", "regex.match", "net.cidr_contains")
"""Builtins whose results are few, whatever they are given."""
COMPARES = ("eq", "ne", "lt", "le", "gt", "ge", "in")
OF_OPERATORS = {("client", "namespace_labels"), ("target", "namespace_labels"), ("client", "zone")}
"""What operators write, and clients do not: there are as many names as they want."""
DEPTH = 8
Steps = tuple[Expr, ...]
REMEDY = "name it by a constant, or by what is in data; the reason may tell more"


def varying_rule(looked: Looked) -> Iterator[Finding]:
    """A rule whose name is made of what was asked, or by whom."""
    for decision in looked.decisions:
        value = decision.keys.get("rule")
        path = next(_Flow(looked).of(decision.placed, value), None) if value is not None else None
        if value is not None and path is not None:
            what = f"the name of the rule is made of {shown(path)}, so there are as many names as that has values"
            yield looked.finding(Check.VARYING_RULE, decision.placed.module, value.at, what, REMEDY)


class _Flow:
    """Follows an expression back to the input. What it is looked up by, and conditions, do not make a value.

    What comes out of collections is not followed.
    """

    def __init__(self, looked: Looked) -> None:
        self._looked = looked
        self._met: set[tuple[int, str, tuple[Expr, ...]]] = set()
        self._given: dict[tuple[int, str], tuple[Placed, Expr]] = {}

    def of(self, placed: Placed, expr: Expr, steps: Steps = ()) -> Iterator[Path]:
        """The paths of the input that become a part of a value, or of what `steps` lead to in it."""
        if isinstance(expr, Var) and any(_looked_up(query, expr.name) for query in queries(placed.rule)):
            return
        path = self._looked.reads.path(placed, expr)
        if path is not None:
            if path[:2] not in OF_OPERATORS and self._looked.shapes.values(path) is None:
                yield path
        elif isinstance(expr, Ref):
            yield from self.of(placed, expr.head, (*expr.steps, *steps))
            yield from self._rules(placed, expr, steps)
        elif isinstance(expr, Var):
            yield from self._variable(placed, expr, steps)
            yield from self._rules(placed, expr, steps)
        elif isinstance(expr, Call):
            yield from self._call(placed, expr, steps)
        elif isinstance(expr, Compound):
            yield from self._compound(placed, expr, steps)
        elif not isinstance(expr, Comprehension) and not (isinstance(expr, Op) and expr.name in COMPARES):
            for part in parts(expr):
                yield from self.of(placed, part)

    def _call(self, placed: Placed, call: Call, steps: Steps) -> Iterator[Path]:
        called = self._looked.meant(placed, call)
        for one in called:
            for name, given in zip(one.rule.arguments, call.arguments, strict=False):
                if isinstance(name, Var):
                    self._given[id(one.rule), name.name] = placed, given
        for argument in call.arguments if not called and call.function not in FEW else ():
            yield from self.of(placed, argument)
        yield from self._rules(placed, call, steps)

    def _compound(self, placed: Placed, expr: Compound, steps: Steps) -> Iterator[Path]:
        keys = object_keys(placed, expr)
        text = step_text(steps[0]) if steps else None
        for item in expr.items if keys is None or text is None else [keys[text]] if text in keys else ():
            yield from self.of(placed, item, steps[1:])

    def _variable(self, placed: Placed, var: Var, steps: Steps) -> Iterator[Path]:
        if (id(placed.rule), var.name, steps) in self._met or len(steps) > DEPTH:
            return
        self._met.add((id(placed.rule), var.name, steps))
        given = self._given.get((id(placed.rule), var.name))
        if given is not None:
            yield from self.of(*given, steps)
        for query in queries(placed.rule):
            for source in assigned_to(query, var.name):
                yield from self.of(placed, source, steps)

    def _rules(self, placed: Placed, expr: Expr, steps: Steps) -> Iterator[Path]:
        for called in self._looked.meant(placed, expr):
            if (id(called.rule), "", steps) not in self._met and called.rule.kind is not RuleKind.PARTIAL:
                self._met.add((id(called.rule), "", steps))
                rest = self._beyond(placed, expr, called)
                for body in called.rule.bodies:
                    if body.value is not None:
                        yield from self.of(called, body.value, (*rest, *steps))

    def _beyond(self, placed: Placed, expr: Expr, called: Placed) -> Steps:
        """The steps that a reference goes beyond the rule it meets."""
        meaning = self._looked.program.meaning(placed.module, expr)
        more = len(meaning.pattern()) - len(called.path) if meaning is not None else 0
        return expr.steps[-more:] if isinstance(expr, Ref) and more > 0 else ()


def _looked_up(query: Query, name: str) -> bool:
    """Whether a body looks a variable up in something: then it is one of the keys there."""
    needed = [s.expr for s in query.statements if s.does is Does.HOLDS and s.expr is not None]
    refs = [expr for one in needed for expr in walk(one) if isinstance(expr, Ref)]
    return any(isinstance(step, Var) and step.name == name for ref in refs for step in ref.steps)
