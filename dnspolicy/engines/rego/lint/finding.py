"""What the linter looks for, and what it found."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dnspolicy.engines.rego.errors import Complaint


class Severity(StrEnum):
    """`error`: it does not do what it says. `warning`: it costs, or it surprises. `note`: something is missing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Check(StrEnum):
    """The rules of the linter; `docs/authoring.md` tells what each is about."""

    BAD_DECISION = "bad-decision"
    BOTH_PHASES = "both-phases"
    CLASS_PER_CLIENT = "class-per-client"
    ENGINE_DIFFERENCE = "engine-difference"
    IGNORE = "ignore"
    LINEAR_SCAN = "linear-scan"
    MISSING_METADATA = "missing-metadata"
    MISSING_TEST = "missing-test"
    NEVER_FIRES = "never-fires"
    RESPONSE_PHASE = "response-phase"
    UNCACHEABLE = "uncacheable"
    UNKNOWN_INPUT = "unknown-input"
    UNKNOWN_VALUE = "unknown-value"
    UNREACHABLE_ELSE = "unreachable-else"
    VARYING_RULE = "varying-rule"
    WHOLE_LABELS = "whole-labels"


SEVERITIES = {
    Check.BAD_DECISION: Severity.ERROR,
    Check.BOTH_PHASES: Severity.WARNING,
    Check.CLASS_PER_CLIENT: Severity.WARNING,
    Check.ENGINE_DIFFERENCE: Severity.ERROR,
    Check.IGNORE: Severity.WARNING,
    Check.LINEAR_SCAN: Severity.WARNING,
    Check.MISSING_METADATA: Severity.NOTE,
    Check.MISSING_TEST: Severity.NOTE,
    Check.NEVER_FIRES: Severity.ERROR,
    Check.RESPONSE_PHASE: Severity.WARNING,
    Check.UNCACHEABLE: Severity.WARNING,
    Check.UNKNOWN_INPUT: Severity.ERROR,
    Check.UNKNOWN_VALUE: Severity.ERROR,
    Check.UNREACHABLE_ELSE: Severity.ERROR,
    Check.VARYING_RULE: Severity.WARNING,
    Check.WHOLE_LABELS: Severity.WARNING,
}


class Finding(msgspec.Struct, frozen=True):
    """One thing that was found. `complaint` has the place, what is wrong, and how to mend it."""

    check: Check
    complaint: Complaint

    @property
    def severity(self) -> Severity:
        return SEVERITIES[self.check]

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """By file and place."""
        found = self.complaint
        return (found.file, found.line, found.column, self.check.value, found.what)
