"""The package of a Rego file, read without the rest of it."""

from __future__ import annotations

import json
import re

_SPACE = re.compile(r"(?:[ \t\n]|\r\n|#[^\n\r]*(?:\r?\n|\Z))*")
_PACKAGE = re.compile(r"package[ \t]+([A-Za-z_][A-Za-z0-9_]*)")
_STEP = re.compile(r'\.([A-Za-z_][A-Za-z0-9_]*)|\[("(?:[^"\\\n\r]|\\.)*")\]')


def package_of(text: str) -> tuple[str, ...] | None:
    """Its path below `data`; None when it is not written as every reader of Rego understands it."""
    begins = _SPACE.match(text)
    found = _PACKAGE.match(text, begins.end() if begins else 0)
    if found is None:
        return None
    path, at = [found[1]], found.end()
    while step := _STEP.match(text, at):
        try:
            path.append(step[1] or json.loads(step[2]))
        except ValueError:
            return None
        at = step.end()
    rest = text[at:]
    if rest and rest[0] not in " \t\r\n;#":
        return None
    after = _SPACE.match(rest)
    follows = rest[after.end() :][:1] if after else ""
    return None if follows in tuple(".[\r") else tuple(path)
