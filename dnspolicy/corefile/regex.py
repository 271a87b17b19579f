"""Regular expressions that operators write for names: RE2, whose syntax is that of Go, and whose time is linear.

Names are chosen by strangers, so a pattern must not be able to take long on any of them.
"""

from __future__ import annotations

import re2

MAX_PATTERN = 10_000
"""Characters of one pattern, as in CoreDNS."""
_MEMORY = 8 << 20
"""Bytes that one compiled pattern may take."""


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return options


_OPTIONS = _options()


class Regex:
    """One pattern. Raises ValueError, quoting the pattern, for one that is too long or no pattern of RE2."""

    __slots__ = ("_search", "groups", "names", "text")

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PATTERN:
            raise ValueError(f"a pattern has {len(text)} characters; at most {MAX_PATTERN} are allowed")
        try:
            compiled = re2.compile(text, _OPTIONS)
        except re2.error as problem:
            raise ValueError(f"{text!r} is not a regular expression: {_reason(problem)}") from None
        self.text = text
        self._search = compiled.search
        self.groups: int = compiled.groups
        self.names: dict[str, int] = dict(compiled.groupindex)

    def matches(self, text: str) -> bool:
        """Whether the pattern is found anywhere in `text`."""
        return self._search(text) is not None

    def find(self, text: str) -> tuple[str, ...] | None:
        """The leftmost match and its groups; a group that took no part is empty. None without a match."""
        found = self._search(text)
        return (
            None if found is None else (found.group(0), *("" if group is None else group for group in found.groups()))
        )


def fill(template: str, groups: tuple[str, ...]) -> str:
    """`template` with `{0}`, `{1}`, … replaced by what matched, in this order, as CoreDNS does it."""
    for number, group in enumerate(groups):
        template = template.replace(f"{{{number}}}", group)
    return template


def _reason(problem: Exception) -> str:
    text = problem.args[0] if problem.args else ""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
