"""Checks of what is read: keys that do not exist, and facts that make a class of every client."""

from __future__ import annotations

from collections.abc import Iterator

from dnspolicy.engines.rego.lint.finding import Check, Finding
from dnspolicy.engines.rego.lint.looked import Looked
from dnspolicy.engines.rego.lint.reads import Read
from dnspolicy.engines.rego.program import Placed
from dnspolicy.engines.rego.tree import Comprehension, Does, Expr, queries, walk_all

LABELS = {("client", "labels"), ("client", "namespace_labels")}
OF_ONE = {
    "ip": "every address is a class of its own",
    "pod": "every pod is a class of its own",
    "hash": "every pod is a class of its own",
    "bucket": "clients are up to 100 times as many classes",
}
SPREAD = "a class is what answers and decisions are remembered for; read a label or the namespace if that will do"
ANSWER = ("answer",)
PHASE = ("phase",)


def unknown_input(looked: Looked) -> Iterator[Finding]:
    """A path that no input document has."""
    for placed in looked.rules:
        for read in looked.reads.of(placed):
            found = looked.shapes.complaint(read.path)
            if found is not None:
                yield looked.finding(
                    Check.UNKNOWN_INPUT, placed.module, read.at, f"{found[0]}: it is always undefined", found[1]
                )


def whole_labels(looked: Looked) -> Iterator[Finding]:
    """All labels, all of the client, or all of the input."""
    for placed in looked.rules:
        for read in looked.reads.of(placed):
            what = _whole(read)
            if what:
                said = f"{what} read: every combination of what they hold is a class of clients"
                yield looked.finding(Check.WHOLE_LABELS, placed.module, read.at, said, "name the labels that count")


def _whole(read: Read) -> str:
    if read.path in ((), ("client",)):
        return "all facts of the client are"
    if read.path[:2] in LABELS and (None in read.path[2:3] or (len(read.path) == 2 and not read.alone)):
        return f"all labels of input.client.{read.path[1]} are"
    return "" if read.path[:2] != ("client", None) else "all facts of the client are"


def class_per_client(looked: Looked) -> Iterator[Finding]:
    """A fact that differs from pod to pod."""
    for placed in looked.rules:
        for read in looked.reads.of(placed):
            if len(read.path) == 2 and read.path[0] == "client" and read.path[1] in OF_ONE:
                what = f"{read.text} is read: {OF_ONE[read.path[1] or '']}"
                yield looked.finding(Check.CLASS_PER_CLIENT, placed.module, read.at, what, SPREAD)


def both_phases(looked: Looked) -> Iterator[Finding]:
    """A phase read for nothing, and conditions on the answer that hold where there is none."""
    reads = [(placed, read) for placed in looked.rules for read in looked.reads.of(placed)]
    if not any(read.path[:1] == ANSWER for _, read in reads):
        for placed, read in [pair for pair in reads if pair[1].path == PHASE][:1]:
            what = "the phase is read though no rule reads the answer: the policy is asked twice for each query"
            yield looked.finding(
                Check.BOTH_PHASES, placed.module, read.at, what, "leave it out; then only the query is judged"
            )
    for placed in looked.rules:
        if not any(read.path == PHASE for read in looked.reads.of(placed)):
            yield from _vacuous(looked, placed)


def _vacuous(looked: Looked, placed: Placed) -> Iterator[Finding]:
    for query in queries(placed.rule):
        stated = any(
            _answers(looked, placed, s.expr) for s in query.statements if s.does is Does.HOLDS and s.expr is not None
        )
        for statement in query.statements:
            expr = statement.expr
            if expr is None or stated:
                continue
            negated = statement.does is Does.NOT and _answers(looked, placed, expr)
            if negated or _counted(looked, placed, expr):
                what = "this holds in the query phase too, where there is no answer"
                yield looked.finding(
                    Check.BOTH_PHASES, placed.module, statement.at, what, 'add input.phase == "response" before it'
                )


def _answers(looked: Looked, placed: Placed, expr: Expr) -> bool:
    """Whether something of the answer stands in an expression, outside of comprehensions."""
    inner = () if isinstance(expr, Comprehension) else _outside(expr)
    return any((looked.reads.path(placed, e) or ())[:1] == ANSWER for e in inner)


def _outside(expr: Expr) -> Iterator[Expr]:
    held = {id(e) for inner in walk_all(expr) if isinstance(inner, Comprehension) for e in walk_all(inner)}
    return (e for e in walk_all(expr) if id(e) not in held)


def _counted(looked: Looked, placed: Placed, expr: Expr) -> bool:
    """Whether a comprehension goes through the answer, which gives something empty when there is none."""
    for inner in walk_all(expr):
        if isinstance(inner, Comprehension):
            overs = [s.over for s in inner.body.statements if s.over is not None]
            exprs = [s.expr for s in inner.body.statements if s.expr is not None]
            if any((looked.reads.path(placed, e) or ())[:1] == ANSWER for o in (*overs, *exprs) for e in walk_all(o)):
                return True
    return False
