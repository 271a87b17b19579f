"""What an input document can hold, by its JSON Schema."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from dnspolicy.engines.rego.lint.reads import Path, shown
from dnspolicy.policy.input import schema


class Shapes:
    """Follows paths through the schemas of input and decision."""

    def __init__(self) -> None:
        both = schema()
        self._input = both["input"]
        self._decisions = both["decision"]["$defs"]

    def complaint(self, path: Path) -> tuple[str, str] | None:
        """The first step that no document has, and what to write instead."""
        here: Any = self._resolved(self._input)
        for at, step in enumerate(path):
            if step is None and "properties" in here:
                return None
            below = self._below(here, step)
            if below is None:
                return f"{shown(path[:at])} has no {step}", _remedy(str(step), here)
            here = self._resolved(below)
            if not here:
                return None
        return None

    def values(self, path: Path) -> list[str] | None:
        """The texts that can stand at a path; None when it can be any."""
        here: Any = self._resolved(self._input)
        for step in path:
            below = self._below(here, step)
            if below is None:
                return None
            here = self._resolved(below)
        found = here.get("enum")
        return found if found and all(isinstance(value, str) for value in found) else None

    def decision(self, action: str) -> dict[str, Any] | None:
        """The schema of a decision with this action; None when there is no such action."""
        found: dict[str, Any] | None = self._decisions.get(f"{action.capitalize()}Decision")
        return found

    def _below(self, here: Any, step: str | None) -> Any:
        """The schema of what a step leads to; None when there is no such step."""
        if "properties" in here:
            return here["properties"].get(step)
        if here.get("type") == "object":
            return here.get("additionalProperties", {})
        if here.get("type") == "array":
            return here.get("items", {}) if step is None else None
        return None

    def _resolved(self, here: Any) -> Any:
        while "$ref" in here:
            here = self._input["$defs"][here["$ref"].rpartition("/")[2]]
        return here


def _remedy(step: str, here: Any) -> str:
    known = sorted(here.get("properties", ()))
    close = get_close_matches(step, known, 1)
    if close:
        return f"did you mean {close[0]}?"
    return f"there are {', '.join(known)}" if known else "it has nothing below it"
