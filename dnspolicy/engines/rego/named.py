"""Names that the embedded engine would take for something else than Open Policy Agent.

It keeps the imports of all files of a package together, and takes a variable of `some` that is called like a rule or
an import for that.
"""

from __future__ import annotations

from collections.abc import Iterator

from dnspolicy.engines.rego.errors import Complaint, at_offset
from dnspolicy.engines.rego.program import Program
from dnspolicy.engines.rego.tree import (
    Assign,
    Does,
    Expr,
    Import,
    Module,
    Rule,
    Var,
    constant,
    queries,
    walk,
    walk_rule,
)

_ANOTHER = "give it another name, with `as`"


def imports(program: Program) -> Iterator[Complaint]:
    """Imports that would be in force in other files of their package too, or stand where a rule is meant."""
    named: dict[tuple[tuple[str, ...], str], tuple[Module, Import]] = {}
    for module in program.modules:
        for imported in module.imports:
            if imported.path[0] not in ("input", "data"):
                continue
            name = imported.alias
            there, first = named.setdefault((module.package, name), (module, imported))
            if first.path != imported.path:
                what = f"`{name}` is {'.'.join(first.path)} in {there.file}, of the same package, and would be here too"
                yield at_offset(module.file, module.text, imported.at, what, _ANOTHER)
            if program.named(module.package, name):
                what = f"`{name}` is imported here and a rule of the package; it would be the rule"
                yield at_offset(module.file, module.text, imported.at, what, _ANOTHER)
    for module in program.modules:
        own = {imported.alias for imported in module.imports}
        foreign = {name: found[0] for (package, name), found in named.items() if package == module.package}
        for name in foreign.keys() - own:
            yield from _borrowed(module, name, foreign[name])


def _borrowed(module: Module, name: str, there: Module) -> Iterator[Complaint]:
    """Uses of a name that only another file of the package imports."""
    for rule in module.rules:
        if name in _own(rule):
            continue
        for expr in walk_rule(rule):
            if isinstance(expr, Var) and expr.name == name:
                what = f"`{name}` is imported in {there.file}, not here"
                yield at_offset(module.file, module.text, expr.at, what, "import it here too")
                break


def _own(rule: Rule) -> set[str]:
    """Names that a rule gives a meaning to."""
    names = {e.name for a in rule.arguments for e in walk(a) if isinstance(e, Var)}
    for query in queries(rule):
        for statement in query.statements:
            names |= {e.name for b in statement.binds for e in walk(b) if isinstance(e, Var)}
            if statement.expr is not None:
                names |= _assigned(statement.expr)
    return names


def _assigned(expr: Expr) -> set[str]:
    return {e.name for e in walk(expr.left) if isinstance(e, Var)} if isinstance(expr, Assign) else set()


def declarations(program: Program, module: Module, rule: Rule) -> Iterator[Complaint]:
    """Variables of `some` that are called like something else."""
    for query in queries(rule):
        for statement in query.statements:
            if statement.does not in (Does.SOME, Does.SOME_IN):
                continue
            for var in (e for b in statement.binds for e in walk(b) if isinstance(e, Var)):
                meaning = program.meaning(module, var)
                if meaning is not None:
                    path = ".".join((meaning.root, *meaning.path, *constant(meaning.steps)))
                    what = f"`{var.name}` is {path}, too, and would be taken for it"
                    yield at_offset(module.file, module.text, var.at, what, "give the variable another name")
