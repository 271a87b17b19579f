"""Comments that take a finding back: `# dnspolicy-lint: ignore RULE why`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dnspolicy.engines.rego.errors import Complaint
from dnspolicy.engines.rego.lint.finding import Check, Finding
from dnspolicy.engines.rego.tree import Module

_COMMENT = re.compile(r"#\s*dnspolicy-lint:\s*(?P<word>\S*)\s*(?P<rule>\S*)\s*(?P<why>.*)")

_BY_COMPANY = frozenset(
    {Check.BOTH_PHASES, Check.MISSING_METADATA, Check.MISSING_TEST, Check.RESPONSE_PHASE, Check.UNCACHEABLE}
)
"""What is found or not, depending on which other folders are looked at."""


class _Ignored:
    def __init__(self, module: Module, line: int, column: int, about: int, rule: str, why: str) -> None:
        self.file, self.line, self.column, self.about, self.rule, self.why = module.file, line, column, about, rule, why
        self.source = module.text.split("\n")[line - 1]
        self.used = False


def without_ignored(modules: Iterable[Module], findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings that no comment takes back, and those about such comments.

    A comment speaks of its own line, or of the next line with code if it stands alone. It must say why.
    """
    comments = [c for module in modules for c in _comments(module)]
    for finding in findings:
        found = [
            c
            for c in comments
            if c.file == finding.complaint.file and c.about == finding.complaint.line and c.rule == finding.check
        ]
        for comment in found:
            comment.used = True
        if not any(c.why for c in found):
            yield finding
    for comment in comments:
        what = _wrong(comment)
        if what:
            remedy = "write `# dnspolicy-lint: ignore RULE why`"
            yield Finding(
                Check.IGNORE, Complaint(comment.file, comment.line, comment.column, what, remedy, comment.source)
            )


def _wrong(comment: _Ignored) -> str:
    if comment.rule not in set(Check):
        return f"no rule of the linter is called {comment.rule}" if comment.rule else "which rule is to be ignored?"
    if not comment.why:
        return f"why is {comment.rule} to be ignored?"
    if comment.used or comment.rule in _BY_COMPANY:
        return ""
    return f"{comment.rule} finds nothing here any more"


def _comments(module: Module) -> Iterator[_Ignored]:
    lines = module.text.split("\n")
    for number, line in enumerate(lines, 1):
        found = _COMMENT.search(line)
        if found is None:
            continue
        alone = not line[: found.start()].strip()
        about = next((n for n in range(number + 1, len(lines) + 1) if _code(lines[n - 1])), 0) if alone else number
        rule = found["rule"] if found["word"] == "ignore" else ""
        yield _Ignored(module, number, found.start() + 1, about, rule, found["why"].strip())


def _code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
