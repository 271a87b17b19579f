"""What a policy may not say, because the embedded engine would read it otherwise than Open Policy Agent, or at all.

Measured against OPA 1.20; docs/engines.md has the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from ipaddress import ip_network

from dnspolicy.engines.rego.builtins import ARITY, GROWS, UNBOUNDED, is_builtin, nearest, reason
from dnspolicy.engines.rego.certain import Certainty, assigned, bound, declared, iterates
from dnspolicy.engines.rego.errors import Complaint, at_offset
from dnspolicy.engines.rego.forms import differences
from dnspolicy.engines.rego.functions import functions
from dnspolicy.engines.rego.named import declarations, imports
from dnspolicy.engines.rego.program import Placed, Program
from dnspolicy.engines.rego.recursion import circles
from dnspolicy.engines.rego.tree import (
    Assign,
    Call,
    Comprehension,
    Does,
    Expr,
    Literal,
    Module,
    Op,
    Ref,
    Rule,
    RuleKind,
    Statement,
    Var,
    constant,
    parts,
    queries,
    walk_rule,
)
from dnspolicy.engines.rego.undefined import fallen, members

BIND = "bind it first in the body, such as `x := …`, and use that"
MAX_RANGE = 100_000


def complaints(program: Program, *, trusted: bool = True) -> Iterator[Complaint]:
    """Everything that is wrong with the rules, seen without evaluating them.

    Not `trusted`: builtins that could hold the server within one call are refused too.
    """
    for placed in program.rules:
        yield from _rule(program, placed)
        if not trusted:
            yield from _unbounded(placed)
    for placed, path in circles(program):
        text = " → ".join(path)
        yield _at(placed.module, placed.rule.at, f"the rule needs itself: {text}", "break the circle")
    yield from _conflicts(program)
    yield from imports(program)
    yield from functions(program)


def missing(program: Program, entrypoint: tuple[str, ...]) -> Iterator[Complaint]:
    """Whether there is no rule for the entrypoint (a path below `data`)."""
    if not program.matching(entrypoint):
        names = [".".join(("data", *[s or "*" for s in p.path])) for p in program.rules]
        wanted = ".".join(("data", *entrypoint))
        close = get_close_matches(wanted, names, 1)
        remedy = f"did you mean {close[0]}?" if close else "define it, or name another with `entrypoint`"
        file = program.modules[0].file if program.modules else "policy"
        yield Complaint(file, 0, 0, f"no rule {wanted}, the entrypoint", remedy)


def _at(module: Module, offset: int, what: str, remedy: str = "") -> Complaint:
    return at_offset(module.file, module.text, offset, what, remedy)


def _rule(program: Program, placed: Placed) -> Iterator[Complaint]:
    module, rule = placed.module, placed.rule
    if rule.kind is RuleKind.DEFAULT and len(rule.path) > 1:
        what = "a default on a reference is ignored by the embedded engine"
        yield _at(module, rule.at, what, "give the default to a plain rule and refer to that")
    for expr in walk_rule(rule):
        if isinstance(expr, Call):
            yield from _call(program, module, expr)
    certainty = Certainty(program, module, declared(rule))
    names = bound(rule)
    yield from _head(module, rule, certainty, names)
    yield from declarations(program, module, rule)
    for doubt in fallen(rule, certainty):
        what = f"{_value(module, doubt)} may be undefined, and then a function does not try its `else`"
        yield _at(module, doubt.at, what, BIND)
    for doubt in members(rule, certainty):
        what = f"{_value(module, doubt)} may be undefined, and then `in` is false"
        yield _at(module, doubt.at, what, BIND)
    for query in queries(rule):
        for statement in query.statements:
            yield from _mocks(module, statement)
            if statement.does is Does.NOT and statement.expr is not None:
                yield from _negation(module, statement.expr, certainty, names)


def _call(program: Program, module: Module, call: Call) -> Iterator[Complaint]:
    name, given = call.function, len(call.arguments)
    path = program.function(module, call)
    if path is not None:
        wanted = {len(p.rule.arguments) for p in program.matching(path) if p.path == path and p.rule.arguments}
        if not wanted:
            yield _at(module, call.at, f"no function {name}", _function_nearest(program, path))
        elif given not in wanted:
            yield _at(module, call.at, f"{name} takes {_count(min(wanted))}, not {given}")
    elif name == "print":
        return
    elif name not in ARITY:
        why = reason(name)
        what = f"{name} may not be called: {why}" if why else f"unknown function {name}"
        yield _at(module, call.at, what, "" if why else nearest(name))
    elif given != ARITY[name]:
        yield _at(module, call.at, f"{name} takes {_count(ARITY[name])}, not {given}")
    else:
        if name in GROWS:
            yield from _growth(module, call)
        for where, what, remedy in differences(call):
            yield _at(module, where.at, what, remedy)


def _unbounded(placed: Placed) -> Iterator[Complaint]:
    for expr in walk_rule(placed.rule):
        names = [expr.function] if isinstance(expr, Call) else []
        if isinstance(expr, Ref) and isinstance(expr.head, Var):  # `with f as graph.reachable_paths`
            names = [".".join((expr.head.name, *constant(expr.steps)))]
        for name in names:
            if name in UNBOUNDED:
                what = f"{name} may not be called by a policy that is not the operator's own"
                yield _at(placed.module, expr.at, what, "no limit can stop it within one call")


def _count(arguments: int) -> str:
    return f"{arguments} argument{'' if arguments == 1 else 's'}"


def _function_nearest(program: Program, path: tuple[str, ...]) -> str:
    names = {".".join(s or "*" for s in p.path) for p in program.rules if p.rule.arguments}
    close = get_close_matches(".".join(path), names, 1)
    return f"did you mean data.{close[0]}?" if close else "define it"


def _growth(module: Module, call: Call) -> Iterator[Complaint]:
    values = [a.value for a in call.arguments if isinstance(a, Literal)]
    if len(values) < len(call.arguments):
        yield _at(
            module, call.at, f"{call.function} needs constant arguments", "else a question could ask for millions"
        )
        return
    numbers = [v for v in values[:2] if isinstance(v, int | float)]
    far = len(numbers) == 2 and abs(numbers[0] - numbers[1]) > MAX_RANGE
    if far or (call.function == "net.cidr_expand" and _addresses(values[0]) > MAX_RANGE):
        yield _at(module, call.at, f"{call.function} of more than {MAX_RANGE} values", "make it smaller")


def _addresses(prefix: object) -> int:
    """How many addresses a prefix has; 0 when it is none."""
    try:
        return ip_network(str(prefix), strict=False).num_addresses
    except ValueError:
        return 0


def _mocks(module: Module, statement: Statement) -> Iterator[Complaint]:
    """`with f as http.send` would call it all the same."""
    for _, value in statement.mods:
        if isinstance(value, Ref) and isinstance(value.head, Var):
            name = ".".join((value.head.name, *constant(value.steps)))
            why = reason(name)
            if why and is_builtin(name):
                yield _at(module, value.at, f"{name} may not be called: {why}")


def _head(module: Module, rule: Rule, certainty: Certainty, names: set[str]) -> Iterator[Complaint]:
    for expr in (rule.key, *rule.path, *[b.value for b in rule.bodies]):
        for var in _outer_vars(expr) if expr is not None else ():
            if var.name not in names and certainty.meaning(var) is None:
                yield _at(module, var.at, f"`{var.name}` has no value", "give it one in the body")
    if rule.kind is RuleKind.FUNCTION or (rule.kind is not RuleKind.PARTIAL and not _iterates(rule, certainty)):
        return
    for expr in (rule.key, *rule.path, *[b.value for b in rule.bodies]):
        doubt = certainty.doubt(expr) if expr is not None else None
        if doubt is not None and (rule.kind is RuleKind.PARTIAL or _varies(doubt, certainty)):
            what = f"`{_shown(module, doubt)}` may be undefined for one element, which loses the others too"
            yield _at(module, doubt.at, what, BIND)


def _iterates(rule: Rule, certainty: Certainty) -> bool:
    names = assigned(rule)
    return iterates(rule, lambda var: var.name in names or certainty.meaning(var) is not None)


def _varies(expr: Expr, certainty: Certainty) -> bool:
    """Whether an expression can differ between the elements that a body goes through."""
    return any(certainty.meaning(var) is None for var in _outer_vars(expr))


def _negation(module: Module, expr: Expr, certainty: Certainty, names: set[str]) -> Iterator[Complaint]:
    for var in _outer_vars(expr):
        if var.name == "_" or (var.name not in names and certainty.meaning(var) is None):
            what = f"`{var.name}` has no value under `not`"
            yield _at(module, var.at, what, "give it one first, or move the iteration into a rule of its own")
    for doubt in _doubts(expr, certainty):
        what = f"`{_shown(module, doubt)}` may be undefined, and then `not` is true"
        yield _at(module, doubt.at, what, BIND)


def _doubts(expr: Expr, certainty: Certainty) -> Iterator[Expr]:
    """Nested values under a negation that may be undefined. What is negated itself may be."""
    equal = isinstance(expr, Op) and expr.name == "eq"
    if equal or (isinstance(expr, Assign) and expr.unifies):
        inner = [d for side in parts(expr) for d in [_side(side, certainty)]]
    elif isinstance(expr, Var | Ref):
        inner = [certainty.steps_doubt(expr)]
    else:
        inner = [certainty.doubt(p) for p in parts(expr)] if not isinstance(expr, Comprehension) else []
    for doubt in inner:
        if doubt is not None:
            yield doubt


def _side(expr: Expr, certainty: Certainty) -> Expr | None:
    return certainty.steps_doubt(expr) if isinstance(expr, Var | Ref) else certainty.doubt(expr)


def _outer_vars(expr: Expr) -> Iterator[Var]:
    """Variables of an expression that are not a comprehension's own."""
    if isinstance(expr, Var):
        yield expr
    if not isinstance(expr, Comprehension):
        for part in parts(expr):
            yield from _outer_vars(part)


def _conflicts(program: Program) -> Iterator[Complaint]:
    for placed in program.rules:
        path = tuple(s for s in placed.path if s is not None)
        if path == placed.path and program.has_data(path):
            what = f"data.{'.'.join(path)} is a rule here and a value in a data file"
            yield _at(placed.module, placed.rule.at, what, "rename one of them")


def _value(module: Module, expr: Expr) -> str:
    return "a division" if isinstance(expr, Op) else f"`{_shown(module, expr)}`"


def _shown(module: Module, expr: Expr) -> str:
    """The expression as written, or the beginning of it."""
    raw = module.text.encode()
    if isinstance(expr, Call):
        return f"{expr.function}(…)"
    end = expr.at
    depth = 0
    while end < len(raw) and (depth or raw[end : end + 1] not in (b" ", b"\t", b"\n", b",", b")", b"}", b"]", b";")):
        depth += {b"[": 1, b"]": -1}.get(raw[end : end + 1], 0)
        end += 1
    return " ".join(raw[expr.at : min(end, expr.at + 80)].decode(errors="replace").split())
