"""Which rules need which; those that need themselves, directly or through others."""

from __future__ import annotations

from collections.abc import Iterator

from dnspolicy.engines.rego.certain import declared
from dnspolicy.engines.rego.program import Pattern, Placed, Program
from dnspolicy.engines.rego.tree import Call, Ref, Var, walk_rule


def circles(program: Program) -> Iterator[tuple[Placed, tuple[str, ...]]]:
    """A rule on each circle, and the paths along it back to that rule; a rule is told of once."""
    needs = {id(p.rule): needed(program, p) for p in program.rules}
    finished: set[int] = set()
    told: set[str] = set()
    for start in program.rules:
        if id(start.rule) in finished:
            continue
        for trail in _from(start, needs, finished):
            names = tuple(map(_name, trail))
            if told.isdisjoint(names):
                told.update(names)
                yield trail[0], (*names, names[0])


def reached(program: Program, start: Placed) -> Iterator[Placed]:
    """A rule and all that are evaluated for it, directly or through others."""
    pending, seen = [start], {id(start.rule)}
    while pending:
        placed = pending.pop()
        yield placed
        for other in needed(program, placed):
            if id(other.rule) not in seen:
                seen.add(id(other.rule))
                pending.append(other)


def _from(start: Placed, needs: dict[int, list[Placed]], finished: set[int]) -> Iterator[list[Placed]]:
    """The circles met depth first, without recursion of our own, however long the chain."""
    trail = [start]
    on_trail = {id(start.rule)}
    pending = [iter(needs[id(start.rule)])]
    while trail:
        following = next(pending[-1], None)
        if following is None:
            done = trail.pop()
            pending.pop()
            on_trail.discard(id(done.rule))
            finished.add(id(done.rule))
        elif id(following.rule) in on_trail:
            first = next(i for i, p in enumerate(trail) if p.rule is following.rule)
            yield trail[first:]
        elif id(following.rule) not in finished:
            trail.append(following)
            on_trail.add(id(following.rule))
            pending.append(iter(needs[id(following.rule)]))


def _name(placed: Placed) -> str:
    return ".".join(("data", *[s or "*" for s in placed.path]))


def needed(program: Program, placed: Placed) -> list[Placed]:
    """The rules that a rule refers to."""
    found: dict[int, Placed] = {}
    local = declared(placed.rule)
    heads: set[int] = set()
    for expr in walk_rule(placed.rule):
        pattern: Pattern | None = None
        if isinstance(expr, Call):
            pattern = program.function(placed.module, expr)
        elif isinstance(expr, Ref | Var) and id(expr) not in heads:
            head = expr.head if isinstance(expr, Ref) else expr
            heads.add(id(head))
            meaning = program.meaning(placed.module, expr)
            if meaning is not None and meaning.root == "data" and not (isinstance(head, Var) and head.name in local):
                pattern = meaning.pattern()
        if pattern is not None:
            found.update({id(p.rule): p for p in program.matching(pattern)})
    return list(found.values())
