"""All modules together: which rules there are, and what a name in one of them means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dnspolicy.engines.rego.tree import Call, Expr, Literal, Module, Ref, Rule, RuleKind, Var, constant

Pattern = tuple[str | None, ...]
"""A path; None stands for any one step."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule with the module it stands in. `path` is below `data`."""

    module: Module
    rule: Rule
    path: Pattern


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reference starts from: `input` or `data` with a constant path, and the steps that follow it."""

    root: str
    path: tuple[str, ...]
    steps: tuple[Expr, ...]

    def pattern(self) -> Pattern:
        """Path and steps; steps that are no texts are None."""
        return (*self.path, *[step_text(s) for s in self.steps])


def step_text(step: Expr) -> str | None:
    """The text of a constant step."""
    return step.value if isinstance(step, Literal) and isinstance(step.value, str) else None


def compatible(one: Pattern, other: Pattern) -> bool:
    """Whether one can be the beginning of the other."""
    return all(a is None or b is None or a == b for a, b in zip(one, other, strict=False))


class Program:
    """Modules and the data they see (decoded)."""

    def __init__(self, modules: Sequence[Module], data: dict[str, Any]) -> None:
        self.modules = tuple(modules)
        self.data = data
        self.rules = tuple(_placed(modules))
        self._names: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        self._by_path: defaultdict[Pattern, list[Placed]] = defaultdict(list)
        for placed in self.rules:
            self._names[placed.module.package].add(str(placed.path[len(placed.module.package)]))
            self._by_path[placed.path].append(placed)
        self._matches: dict[Pattern, tuple[Placed, ...]] = {}

    def matching(self, pattern: Pattern) -> tuple[Placed, ...]:
        """Rules that a reference of this pattern can meet: at it, above it or below it."""
        found = self._matches.get(pattern)
        if found is None:
            found = tuple(p for path, rules in self._by_path.items() if compatible(path, pattern) for p in rules)
            self._matches[pattern] = found
        return found

    def meaning(self, module: Module, expr: Expr) -> Meaning | None:
        """What a variable or reference means, unless it is local."""
        if isinstance(expr, Var):
            return self._head(module, expr.name, ())
        if isinstance(expr, Ref) and isinstance(expr.head, Var):
            return self._head(module, expr.head.name, expr.steps)
        return None

    def function(self, module: Module, call: Call) -> tuple[str, ...] | None:
        """The path below `data` of the function that is called; None when it is a builtin or unknown."""
        first, *rest = call.function.split(".")
        steps = tuple(Literal(s, call.at) for s in rest)
        found = self._head(module, first, steps)
        if found is None or found.root != "data":
            return None
        return (*found.path, *constant(found.steps))

    def _head(self, module: Module, name: str, steps: tuple[Expr, ...]) -> Meaning | None:
        if name in ("input", "data"):
            return Meaning(name, (), steps)
        for imported in module.imports:
            if imported.alias == name and imported.path[0] in ("input", "data"):
                return Meaning(imported.path[0], imported.path[1:], steps)
        if name in self._names[module.package]:
            return Meaning("data", (*module.package, name), steps)
        return None

    def named(self, package: tuple[str, ...], name: str) -> bool:
        """Whether a package has a rule whose name is or begins with this word."""
        return name in self._names[package]

    def has_data(self, path: Sequence[str]) -> bool:
        """Whether the data holds a value at a constant path."""
        here: Any = self.data
        for step in path:
            if not isinstance(here, dict) or step not in here:
                return False
            here = here[step]
        return True


def _placed(modules: Sequence[Module]) -> Iterator[Placed]:
    for module in modules:
        for rule in module.rules:
            path = (*module.package, *[step_text(s) for s in rule.path])
            yield Placed(module, rule, path)


def is_function(placed: Placed) -> bool:
    """Whether a rule is called with arguments."""
    return placed.rule.kind is RuleKind.FUNCTION or bool(placed.rule.arguments)
