"""Documents that change by themselves, put at declared paths of the data without checking the policy again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dnspolicy.engines.rego.errors import Complaint, at_offset
from dnspolicy.engines.rego.program import Program, compatible

DataPath = tuple[str, ...]
"""Where a document lies below `data`."""


def occupied(program: Program, declared: Sequence[DataPath]) -> Iterator[Complaint]:
    """Declared paths that cannot be: of rules, of data files, or one below another."""
    for number, path in enumerate(declared):
        shown = ".".join(("data", *path))
        if not path:
            yield Complaint("policy", 0, 0, "a declared path needs a name")
            continue
        if any(compatible(path, other) for other in declared[:number]):
            yield Complaint("policy", 0, 0, f"{shown} is declared twice, or lies within another declared path")
        for placed in program.matching(path):
            module = placed.module
            what = f"{shown} is declared to be filled later, and here is a rule"
            yield at_offset(module.file, module.text, placed.rule.at, what, "rename one of them")
        if _in_the_way(program, path):
            yield Complaint("data", 0, 0, f"{shown} is declared to be filled later, and a data file has a value there")


def _in_the_way(program: Program, path: DataPath) -> bool:
    """Whether the data holds something at the path, or something that is no object above it."""
    here: Any = program.data
    for step in path:
        if not isinstance(here, dict):
            return True
        if step not in here:
            return False
        here = here[step]
    return True
