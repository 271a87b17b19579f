"""Checks of what is decided, and of the papers that belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from dnspolicy.engines.rego.lint.decisions import CANDIDATES, Decision
from dnspolicy.engines.rego.lint.finding import Check, Finding
from dnspolicy.engines.rego.lint.looked import Looked
from dnspolicy.engines.rego.metadata import Scope, annotations_of, broken
from dnspolicy.engines.rego.tree import Module, walk_query

_PACKAGE = re.compile(rb"^package\b", re.MULTILINE)
TIERS = ("admin", "tenant", "default")
PHASES = (("phase",), ("answer",))
OWN = frozenset({"tier"})
"""Keys that a candidate must have and no decision has."""
BESIDE = OWN | {"step"}
"""Keys of a candidate that are none of the decision."""


def bad_decision(looked: Looked) -> Iterator[Finding]:
    """Objects that the server would refuse, as far as that can be seen."""
    for decision in looked.decisions:
        action = decision.text("action")
        schema = looked.shapes.decision(action) if action is not None else None
        if action is not None and schema is None:
            yield _bad(looked, decision, f"no action is called {action!r}", "allow, block, rewrite or redirect")
            continue
        known = set(schema["properties"]) if schema else set(decision.keys)
        for key in sorted(set(decision.keys) - known - (BESIDE if decision.candidate else frozenset())):
            close = get_close_matches(key, sorted(known), 1)
            yield _bad(
                looked, decision, f"{action} has no key {key}", f"did you mean {close[0]}?" if close else "take it out"
            )
        wanted = schema["required"] if schema else ["rule", "reason"]
        for key in [k for k in (*wanted, *(OWN if decision.candidate else ())) if k not in decision.keys]:
            yield _bad(looked, decision, f"the decision has no {key}: it is refused, and the query fails", _give(key))
        yield from _texts(looked, decision)


def _texts(looked: Looked, decision: Decision) -> Iterator[Finding]:
    for key in ("rule", "reason"):
        if decision.text(key) == "":
            yield _bad(looked, decision, f"{key} is empty: the decision is refused", _give(key))
    tier = decision.text("tier") if decision.candidate else None
    if tier is not None and tier not in TIERS:
        yield _bad(looked, decision, f"no tier is called {tier!r}", ", ".join(TIERS))


def _give(key: str) -> str:
    says = {
        "rule": 'give it one, such as "site/games"',
        "reason": "say why, in a sentence that the client may see",
        "tier": "give it one: admin, tenant or default",
    }
    return says.get(key, f"give it {key}")


def _bad(looked: Looked, decision: Decision, what: str, remedy: str) -> Finding:
    return looked.finding(Check.BAD_DECISION, decision.placed.module, decision.at, what, remedy)


def response_phase(looked: Looked) -> Iterator[Finding]:
    """A rewrite, or a redirect to an upstream, that can be said of an answer too."""
    reads = [read.path[:1] for placed in looked.rules for read in looked.reads.of(placed)]
    if ("answer",) not in reads and ("phase",) not in reads:
        return
    for decision in looked.decisions:
        action = decision.text("action")
        asks_again = action == "rewrite" or (action == "redirect" and "upstream" in decision.keys)
        if asks_again and not _knows_phase(looked, decision):
            what = (
                "a rewrite in the response phase is an error"
                if action == "rewrite"
                else "the answer of the upstream is redirected there again, until it fails"
            )
            yield looked.finding(
                Check.RESPONSE_PHASE, decision.placed.module, decision.at, what, 'add input.phase == "query"'
            )


def _knows_phase(looked: Looked, decision: Decision) -> bool:
    """Whether a condition on the way to a decision reads the phase or the answer, itself or by a rule it needs."""
    for placed, query in decision.bodies:
        exprs = list(walk_query(query))
        if any((looked.reads.path(placed, expr) or ())[:1] in PHASES for expr in exprs):
            return True
        needed = looked.reached(rule for expr in exprs for rule in looked.meant(placed, expr))
        if any(read.path[:1] in PHASES for rule in needed for read in looked.reads.of(rule)):
            return True
    return False


def missing_test(looked: Looked) -> Iterator[Finding]:
    """Packages without any test, and rules that no test names."""
    texts = "\n".join(module.text for module in looked.tests)
    if not looked.tests:
        for module in looked.modules[:1]:
            yield looked.finding(
                Check.MISSING_TEST, module, 0, "there are no tests", "write some in a file *_test.rego beside it"
            )
        return
    told: set[str] = set()
    for decision in looked.decisions:
        rule = decision.text("rule")
        if rule and rule not in texts and rule not in told:
            told.add(rule)
            what = f"no test names the rule {rule}"
            yield looked.finding(
                Check.MISSING_TEST, decision.placed.module, decision.at, what, f'test that .rule == "{rule}"'
            )


def broken_metadata(looked: Looked) -> Iterator[Finding]:
    """Metadata that Open Policy Agent does not read."""
    for module in looked.modules:
        lines = module.text.encode().split(b"\n")
        for line in broken(module.text):
            what = "this METADATA is no YAML object, and Open Policy Agent refuses the file"
            at = sum(len(text) + 1 for text in lines[: line - 1])
            remedy = "put texts with `: ` in quotes, and one space after each #"
            yield looked.finding(Check.ENGINE_DIFFERENCE, module, at, what, remedy)


def _adds_only(module: Module) -> bool:
    """Whether a file only adds to the candidates, whose package has its title elsewhere: it may have but one."""
    return module.package == CANDIDATES[:-1] and all(rule.name == CANDIDATES[-1] for rule in module.rules)


def missing_metadata(looked: Looked) -> Iterator[Finding]:
    """Packages that no `# METADATA` gives a title."""
    titled = {
        module.package
        for module in looked.program.modules
        for note in annotations_of(module.text)
        if note.scope in (Scope.PACKAGE, Scope.SUBPACKAGES) and note.title
    }
    told = set(titled)
    for module in looked.modules:
        if module.package not in told and not _adds_only(module):
            told.add(module.package)
            found = _PACKAGE.search(module.text.encode())
            name = ".".join(module.package)
            yield looked.finding(
                Check.MISSING_METADATA,
                module,
                found.start() if found else 0,
                f"package {name} has no title",
                "put `# METADATA`, `# scope: package` and `# title: …` before it",
            )
