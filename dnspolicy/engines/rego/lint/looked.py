"""What every check is given: the program, what it reads and decides, and which rules need which."""

from __future__ import annotations

from collections.abc import Iterable

from dnspolicy.engines.rego.certain import declared
from dnspolicy.engines.rego.errors import at_offset
from dnspolicy.engines.rego.lint.decisions import decisions
from dnspolicy.engines.rego.lint.finding import Check, Finding
from dnspolicy.engines.rego.lint.reads import Reads
from dnspolicy.engines.rego.lint.shapes import Shapes
from dnspolicy.engines.rego.program import Pattern, Placed, Program
from dnspolicy.engines.rego.tree import Call, Expr, Module, Ref, Var, walk_rule

TEST_FILE = "_test.rego"
_NEWLINE = b"\n"
SAMPLE = "sample"
"""The folder whose data stand for those that a policy is given in a cluster."""


class Looked:
    """A program, looked at. `large` is from how many entries on going through data counts as slow."""

    def __init__(self, program: Program, entrypoint: tuple[str, ...], large: int) -> None:
        self.program = program
        self.entrypoint = entrypoint
        self.large = large
        self.rules = tuple(p for p in program.rules if not p.module.file.endswith(TEST_FILE))
        self.modules = tuple(m for m in program.modules if not m.file.endswith(TEST_FILE))
        self.tests = tuple(m for m in program.modules if m.file.endswith(TEST_FILE))
        self.reads = Reads(program)
        self.shapes = Shapes()
        self.decisions = decisions(program, entrypoint)
        self._needs: dict[int, tuple[Placed, ...]] = {}
        self._locals: dict[int, frozenset[str]] = {}

    def finding(self, check: Check, module: Module, at: int, what: str, remedy: str = "") -> Finding:
        """A finding about byte `at` of a file."""
        return Finding(check, at_offset(module.file, module.text, at, what, remedy))

    def place(self, module: Module, at: int) -> str:
        """`file:line`."""
        return f"{module.file}:{module.text.encode()[:at].count(_NEWLINE) + 1}"

    def reached(self, start: Iterable[Placed]) -> list[Placed]:
        """These rules and all they need."""
        waiting, found = list(start), dict[int, Placed]()
        while waiting:
            placed = waiting.pop()
            if id(placed.rule) not in found:
                found[id(placed.rule)] = placed
                waiting.extend(self.needs(placed))
        return list(found.values())

    def needs(self, placed: Placed) -> tuple[Placed, ...]:
        """The rules a rule refers to."""
        known = self._needs.get(id(placed.rule))
        if known is None:
            found = {id(p.rule): p for expr in walk_rule(placed.rule) for p in self.meant(placed, expr)}
            known = self._needs[id(placed.rule)] = tuple(found.values())
        return known

    def meant(self, placed: Placed, expr: Expr) -> tuple[Placed, ...]:
        """The rules that one expression of a rule stands for, without what is inside it."""
        pattern = self._pattern(placed, expr)
        return self.program.matching(pattern) if pattern else ()

    def data(self, path: tuple[str, ...]) -> object:
        """The value of the data at a path, or of the sample data; None when there is none."""
        return _at(self.program.data, path) or next(
            (found for table in _samples(self.program.data) if (found := _at(table, path)) is not None), None
        )

    def _pattern(self, placed: Placed, expr: Expr) -> Pattern | None:
        if isinstance(expr, Call):
            return self.program.function(placed.module, expr)
        if not isinstance(expr, Ref | Var):
            return None
        head = expr.head if isinstance(expr, Ref) else expr
        meaning = self.program.meaning(placed.module, expr)
        if meaning is None or meaning.root != "data" or (isinstance(head, Var) and head.name in self._declared(placed)):
            return None
        return meaning.pattern()

    def _declared(self, placed: Placed) -> frozenset[str]:
        known = self._locals.get(id(placed.rule))
        if known is None:
            known = self._locals[id(placed.rule)] = declared(placed.rule)
        return known


def _samples(data: dict[str, object]) -> Iterable[object]:
    """Tables below a folder `sample`, here or one folder further down."""
    for here in (data, *data.values()):
        if isinstance(here, dict) and isinstance(here.get(SAMPLE), dict):
            yield here[SAMPLE]


def _at(here: object, path: tuple[str, ...]) -> object:
    for step in path:
        if not isinstance(here, dict) or step not in here:
            return None
        here = here[step]
    return here
