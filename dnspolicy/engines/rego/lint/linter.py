"""All checks over some folders. Nothing is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from dnspolicy.engines.rego.binding import evaluator
from dnspolicy.engines.rego.check import PARSING, modules_of
from dnspolicy.engines.rego.confined import LOOKING, Begins
from dnspolicy.engines.rego.errors import Complaint, from_regorus, refuse
from dnspolicy.engines.rego.failing import RegoError
from dnspolicy.engines.rego.guards import complaints
from dnspolicy.engines.rego.lint import deciding, naming, reading, scanning, truth
from dnspolicy.engines.rego.lint.finding import Check, Finding
from dnspolicy.engines.rego.lint.ignoring import without_ignored
from dnspolicy.engines.rego.lint.looked import TEST_FILE, Looked
from dnspolicy.engines.rego.parse import UnknownSyntax
from dnspolicy.engines.rego.program import Program
from dnspolicy.engines.rego.sources import Limits, read

LARGE = 100
CHECKS: tuple[Callable[[Looked], Iterator[Finding]], ...] = (
    deciding.bad_decision,
    deciding.broken_metadata,
    deciding.missing_metadata,
    deciding.missing_test,
    deciding.response_phase,
    naming.varying_rule,
    reading.both_phases,
    reading.class_per_client,
    reading.unknown_input,
    reading.whole_labels,
    scanning.linear_scan,
    scanning.uncacheable,
    truth.never_fires,
    truth.unknown_value,
    truth.unreachable_else,
)


def parsed(folders: Sequence[Path | str], begins: Begins = lambda file, what: None) -> Program:
    """The program in some folders, parsed in this process, not evaluated. Raises PolicyLoadError."""
    sources, problems = read([Path(f) for f in folders], Limits(), tests=True)
    texts = {s.file: s.text for s in sources.policies}
    asked = evaluator()
    for source in sources.policies:
        begins(source.file, PARSING)
        try:
            asked.add_policy(source)
        except RegoError as problem:
            problems.append(from_regorus(str(problem), texts, source.file))
    if problems:
        raise refuse(problems)
    try:
        modules = list(modules_of(asked, sources, begins))
    except (RegoError, UnknownSyntax) as problem:
        raise refuse([Complaint("policy", 0, 0, f"{problem} is not understood")]) from None
    begins("policy", LOOKING)
    return Program(modules, msgspec.json.decode(sources.data))


def lint(
    folders: Sequence[Path | str], entrypoint: str, large: int = LARGE, begins: Begins = lambda file, what: None
) -> list[Finding]:
    """What is found in some folders, by file and place. Raises PolicyLoadError when they cannot be parsed.

    `entrypoint` is such as `data.dnspolicy.decision`; going through more than `large` entries of data is slow. Without
    limits: see `lint_apart`. `begins` is told what is done next.
    """
    program = parsed(folders, begins)
    looked = Looked(program, tuple(entrypoint.split(".")[1:]), large)
    found = [finding for check in CHECKS for finding in check(looked)]
    guarded = [Finding(Check.ENGINE_DIFFERENCE, c) for c in complaints(program) if not c.file.endswith(TEST_FILE)]
    said = {(f.complaint.file, f.complaint.line, f.complaint.column) for f in found if f.check is Check.UNCACHEABLE}
    found += [f for f in guarded if (f.complaint.file, f.complaint.line, f.complaint.column) not in said]
    return sorted(set(without_ignored(program.modules, found)), key=lambda f: f.order)
