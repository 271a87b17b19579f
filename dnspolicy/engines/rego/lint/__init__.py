"""The linter of policies: what loads, but costs, surprises or never happens."""

from dnspolicy.engines.rego.lint.finding import Check, Finding, Severity
from dnspolicy.engines.rego.lint.linter import LARGE, lint, parsed

__all__ = ["LARGE", "Check", "Finding", "Severity", "lint", "parsed"]
