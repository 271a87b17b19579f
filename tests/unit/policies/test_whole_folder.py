"""All policies at once: a folder that somebody names as a whole, with the sample data where they then land."""

from __future__ import annotations

import pytest

from dnspolicy.engines.rego import load
from dnspolicy.engines.rego.binding import evaluator
from dnspolicy.engines.rego.parse import module
from dnspolicy.engines.rego.program import Program, compatible
from dnspolicy.engines.rego.sources import Source
from dnspolicy.engines.rego.tree import Ref, Var, walk_rule
from tests.unit.policies.library import POLICIES

SAMPLES = sorted(POLICIES.glob("*/sample/data.json"))


def _read() -> set[tuple[str | None, ...]]:
    """What the policies read below `data`; None for a step that varies."""
    asked = evaluator()
    for path in sorted(POLICIES.rglob("*.rego")):
        if not path.name.endswith("_test.rego"):
            asked.add_policy(Source(str(path), path.read_text()))
    program = Program([module(tree) for tree in asked.trees()], {})
    found = set()
    for placed in program.rules:
        for expr in walk_rule(placed.rule):
            meaning = program.meaning(placed.module, expr) if isinstance(expr, Var | Ref) else None
            if meaning is not None and meaning.root == "data" and meaning.pattern():
                found.add(meaning.pattern())
    return found


READ = _read()


@pytest.mark.parametrize("name", [path.parent.parent.name for path in SAMPLES])
def test_no_policy_reads_a_sample(name: str) -> None:
    """Data land at the path of their folder, in Open Policy Agent too."""
    assert [path for path in sorted(READ, key=str) if compatible(path, (name, "sample"))] == []


def test_the_whole_folder_is_loaded() -> None:
    assert load([POLICIES], isolated=False).revision
