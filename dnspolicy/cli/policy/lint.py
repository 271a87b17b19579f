"""`dnspolicy policy lint`: what loads, but costs, surprises or never happens."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from dnspolicy.cli.configured import whole
from dnspolicy.engines.rego import ENTRYPOINT
from dnspolicy.engines.rego.lint import LARGE, Finding, Severity
from dnspolicy.engines.rego.lint.apart import lint_apart
from dnspolicy.model.errors import PolicyLoadError

FOUND = 2
NOT_LOADED = 1
COUNTED = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.NOTE: "notes"}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "lint",
        help="find what costs, surprises or never happens",
        description="Look for what loads but does not do what it says, costs much, or behaves differently in another "
        "engine. Nothing is evaluated. Exit code 0 when there are notes at most, 2 when there are warnings or errors, "
        "1 when policies cannot be parsed.",
    )
    parser.add_argument("folders", nargs="+", metavar="DIR", help="folder with policies, tests and data")
    parser.add_argument("-f", "--format", choices=("pretty", "json"), default="pretty", help="default: %(default)s")
    parser.add_argument("--strict", action="store_true", help="exit code 2 for notes, too")
    parser.add_argument(
        "--large",
        type=whole,
        default=LARGE,
        metavar="N",
        help="entries of data that may be gone through one by one (default: %(default)s)",
    )
    parser.add_argument(
        "--entrypoint", default=ENTRYPOINT, metavar="RULE", help="what the server asks for (default: %(default)s)"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """0, 1 or 2, see the parser."""
    try:
        findings = lint_apart(args.folders, args.entrypoint, args.large)
    except PolicyLoadError as problem:
        print(problem, file=sys.stderr)
        return NOT_LOADED
    if args.format == "json":
        print(json.dumps([_row(finding) for finding in findings], indent=2, ensure_ascii=False))
    else:
        _print(findings)
    bad = [finding for finding in findings if args.strict or finding.severity is not Severity.NOTE]
    return FOUND if bad else 0


def _print(findings: Sequence[Finding]) -> None:
    for finding in findings:
        found = finding.complaint
        place, text = f"{found.file}:{found.line}:{found.column}", str(found)
        print(f"{place}: {finding.severity} {finding.check}{text[len(place) :]}")
    counts = Counter(finding.severity for finding in findings)
    said = [f"{counts[severity]} {_counted(word, counts[severity])}" for severity, word in COUNTED.items()]
    print(", ".join(said) if findings else "nothing found")


def _counted(word: str, count: int) -> str:
    return word.removesuffix("s") if count == 1 else word


def _row(finding: Finding) -> dict[str, Any]:
    found = finding.complaint
    return {
        "file": found.file,
        "line": found.line,
        "column": found.column,
        "severity": finding.severity,
        "rule": finding.check,
        "message": found.what,
        "remedy": found.remedy,
    }
