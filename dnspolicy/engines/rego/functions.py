"""Functions that the embedded engine would take for others than Open Policy Agent does.

It evaluates all definitions of a function as if they stood in the file of the first, with the variables of that, and
replaces calls by the name they are written with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dnspolicy.engines.rego.errors import Complaint, at_offset
from dnspolicy.engines.rego.program import Placed, Program, is_function
from dnspolicy.engines.rego.recursion import reached
from dnspolicy.engines.rego.tree import Call, Expr, Module, Ref, Rule, Var, constant, queries, walk_rule

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Use:
    """A function by its `path` below `data`, as the engine looks for it (`key`)."""

    module: Module
    at: int
    path: Path
    key: str


def functions(program: Program) -> Iterator[Complaint]:
    """What is wrong with how functions are defined and replaced."""
    yield from _scattered(program)
    yield from _replaced(program)


def _scattered(program: Program) -> Iterator[Complaint]:
    """Functions with definitions in several files."""
    first: dict[tuple[str | None, ...], Module] = {}
    said: set[tuple[str | None, ...]] = set()
    for placed in program.rules:
        there = first.setdefault(placed.path, placed.module) if is_function(placed) else placed.module
        if there is not placed.module and placed.path not in said:
            said.add(placed.path)
            name = ".".join(("data", *[step or "*" for step in placed.path]))
            what = f"function {name} is defined in {there.file} too, and the two would be mixed up"
            remedy = "define it in one file, or give one of them another name"
            yield at_offset(placed.module.file, placed.module.text, placed.rule.at, what, remedy)


def _replaced(program: Program) -> Iterator[Complaint]:
    """`with f as g` where a call of `f` would not be replaced, or one of another function would be."""
    for placed in program.rules:
        uses = [_use(program, placed.module, target) for target in _targets(placed.rule)]
        for replaced in filter(None, uses):
            others = [c for c in _calls(program, placed) if (c.path == replaced.path) != (c.key == replaced.key)]
            if others:
                yield _missed(replaced, min(others, key=lambda call: call.path != replaced.path))


def _missed(replaced: _Use, call: _Use) -> Complaint:
    line = call.module.text.encode()[: call.at].count(b"\n") + 1
    place = f"{call.module.file}:{line}"
    if call.path == replaced.path:
        what = f"`with {replaced.key}` would not replace the call of {call.key} in {place}"
        remedy = f"call it {replaced.key} there, or write `with {call.key}`"
    else:
        what = f"`with {replaced.key}` would replace {call.key} in {place} too, which is another function"
        remedy = "give one of them another name"
    return at_offset(replaced.module.file, replaced.module.text, replaced.at, what, remedy)


def _targets(rule: Rule) -> Iterator[Expr]:
    for query in queries(rule):
        for statement in query.statements:
            yield from (target for target, _ in statement.mods)


def _calls(program: Program, start: Placed) -> Iterator[_Use]:
    """All calls that may be made for a rule."""
    for placed in reached(program, start):
        for expr in walk_rule(placed.rule):
            path = program.function(placed.module, expr) if isinstance(expr, Call) else None
            if path is not None and isinstance(expr, Call):
                yield _Use(placed.module, expr.at, path, _key(placed.module, expr.function, path))


def _use(program: Program, module: Module, target: Expr) -> _Use | None:
    """The function that a `with` replaces; None when it replaces something else."""
    meaning = program.meaning(module, target)
    if meaning is None or meaning.root != "data":
        return None
    path = (*meaning.path, *constant(meaning.steps))
    if not any(placed.path == path and is_function(placed) for placed in program.matching(path)):
        return None
    name = target.head.name if isinstance(target, Ref) and isinstance(target.head, Var) else ""
    written = ".".join((name, *constant(target.steps))) if isinstance(target, Ref) else str(getattr(target, "name", ""))
    return _Use(module, target.at, path, _key(module, written, path))


def _key(module: Module, written: str, path: Path) -> str:
    """An import is looked through, but a name of the package itself stays as it is written."""
    first = written.partition(".")[0]
    elsewhere = first == "data" or any(imported.alias == first for imported in module.imports)
    return ".".join(("data", *path)) if elsewhere else written
