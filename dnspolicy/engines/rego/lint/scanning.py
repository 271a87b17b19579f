"""Checks of what takes long, or cannot be remembered."""

from __future__ import annotations

from collections.abc import Iterator

from dnspolicy.engines.rego.builtins import CLOCKS
from dnspolicy.engines.rego.certain import assigned, declared
from dnspolicy.engines.rego.lint.finding import Check, Finding
from dnspolicy.engines.rego.lint.looked import Looked
from dnspolicy.engines.rego.program import Placed
from dnspolicy.engines.rego.tree import (
    Call,
    Does,
    Expr,
    Literal,
    Op,
    Query,
    Ref,
    Statement,
    Var,
    queries,
    walk_query,
    walk_rule,
)

ANY = frozenset({"strings.any_prefix_match", "strings.any_suffix_match"})
COMPARES = ANY | {"endswith", "startswith", "contains", "regex.match", "glob.match", "indexof"}
"""Builtins with which one text is held against many."""
LOOK_UP = "look it up instead: `some suffix in input.query.suffixes`, then the table by that suffix"
EDGES = ("dnspolicy", "edges")
"""Where policies add in how many seconds what they say may change (`policies/lib`)."""
CHANGING = {
    "http.send": "the network",
    "net.lookup_ip_addr": "the network",
    "opa.runtime": "the environment",
    "rand.intn": "chance",
    "uuid.rfc4122": "chance",
}


def linear_scan(looked: Looked) -> Iterator[Finding]:
    """Going through all entries of something large, or through any number of them with a comparison of texts."""
    for placed in looked.rules:
        for query in queries(placed.rule):
            compares = any(_compares(e) for e in walk_query(query))
            for statement in query.statements:
                for over, at in _wholes(placed, statement):
                    yield from _scan(looked, placed, over, at, True)
                for over, at in _overs(placed, query, statement):
                    yield from _scan(looked, placed, over, at, compares)


def _scan(looked: Looked, placed: Placed, over: tuple[str, ...], at: int, compares: bool) -> Iterator[Finding]:
    if any(p.path[: len(over)] == over for p in looked.program.rules):
        return
    found = looked.data(over)
    size = len(found) if isinstance(found, dict | list) else None
    name = ".".join(("data", *over))
    if size is not None and size > looked.large:
        what = f"all {size} entries of {name} are gone through for each decision"
    elif size is None and compares:
        what = f"all entries of {name}, however many, are compared with a text for each decision"
    else:
        return
    yield looked.finding(Check.LINEAR_SCAN, placed.module, at, what, LOOK_UP)


def _compares(expr: Expr) -> bool:
    """Whether a text is held against one that is not constant."""
    called = isinstance(expr, Call) and expr.function in COMPARES
    return called and isinstance(expr, Call) and not any(isinstance(a, Literal) for a in expr.arguments)


def _wholes(placed: Placed, statement: Statement) -> Iterator[tuple[tuple[str, ...], int]]:
    """Paths of data that one expression goes through: `x in data.names`, `strings.any_suffix_match(x, data.names)`."""
    for expr in walk_query(Query((statement,))):
        among: tuple[Expr, ...] = ()
        if isinstance(expr, Op) and expr.name == "in":
            among = expr.operands[-1:]
        elif isinstance(expr, Call) and expr.function in ANY:
            among = expr.arguments
        for over in among:
            path = _data(placed, over) if isinstance(over, Ref) else ()
            if path:
                yield path, over.at


def _overs(placed: Placed, query: Query, statement: Statement) -> Iterator[tuple[tuple[str, ...], int]]:
    """Paths of data that a statement goes through entry by entry, with the places."""
    if statement.does in (Does.SOME_IN, Does.EVERY) and isinstance(statement.over, Ref):
        path = _data(placed, statement.over)
        if path:
            yield path, statement.over.at
    given = declared(placed.rule) | assigned(placed.rule)
    loose = {b.name for s in query.statements if s.does is Does.SOME for b in s.binds if isinstance(b, Var)}
    for expr in [e for e in walk_query(Query((statement,))) if isinstance(e, Ref)]:
        for at, step in enumerate(expr.steps):
            if isinstance(step, Var) and (step.name == "_" or step.name in loose or step.name not in given):
                path = _data(placed, Ref(expr.head, expr.steps[:at], expr.at))
                if path and not _is_rule(placed, step.name):
                    yield path, expr.at


def _is_rule(placed: Placed, name: str) -> bool:
    """Whether a name is one of the module's rules or imports, not a variable."""
    return any(r.name == name for r in placed.module.rules) or any(i.alias == name for i in placed.module.imports)


def _data(placed: Placed, ref: Ref) -> tuple[str, ...]:
    """The constant path below `data` of a reference; empty when it is none."""
    if not isinstance(ref.head, Var):
        return ()
    imported = {i.alias: i.path[1:] for i in placed.module.imports if i.path[0] == "data"}
    base = () if ref.head.name == "data" else imported.get(ref.head.name)
    texts = [s.value for s in ref.steps if isinstance(s, Literal) and isinstance(s.value, str)]
    if base is None or len(texts) != len(ref.steps):
        return ()
    return (*base, *texts)


def uncacheable(looked: Looked) -> Iterator[Finding]:
    """The clock while decisions have no `ttl`, and what no decision may rest on."""
    unlimited = [d for d in looked.decisions if "ttl" not in d.keys]
    edged = _edged(looked)
    for placed in looked.rules:
        for call in walk_rule(placed.rule):
            if not isinstance(call, Call):
                continue
            if call.function in CHANGING:
                what = f"{call.function} depends on {CHANGING[call.function]}: no decision could be remembered"
                yield looked.finding(Check.UNCACHEABLE, placed.module, call.at, what, "put what it needs into data")
            elif call.function in CLOCKS and placed.module.package not in edged and (unlimited or not looked.decisions):
                yield _clock(looked, placed, call, [looked.place(d.placed.module, d.at) for d in unlimited])


def _edged(looked: Looked) -> set[tuple[str, ...]]:
    """Packages that read the clock to say when what they decide may change, and so limit every decision."""
    reached = looked.reached(placed for placed in looked.rules if placed.path[: len(EDGES)] == EDGES)
    clocks = (p for p in reached if any(isinstance(e, Call) and e.function in CLOCKS for e in walk_rule(p.rule)))
    return {placed.module.package for placed in clocks}


def _clock(looked: Looked, placed: Placed, call: Expr, places: list[str]) -> Finding:
    what = "the clock is read, so a decision is remembered only for its ttl, "
    what += f"and {len(places)} have none (the first at {places[0]})" if places else "and none was found"
    remedy = "give each a ttl, at most the seconds to the next edge of the time window, or add those to dnspolicy.edges"
    return looked.finding(Check.UNCACHEABLE, placed.module, call.at, what, remedy)
