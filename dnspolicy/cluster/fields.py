"""Which fields of an object are kept: `rules`, `metadata.labels`, `spec.containers.image`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

FieldTree = Mapping[str, "FieldTree"]
"""Names of fields, with those below; nothing below means all of it."""

MAX_STEPS = 32
_STEP = re.compile(r"((?:[^.\\]|\\.)+)(?:\.|\Z)", re.DOTALL)
_MISSING = object()


def steps(path: str) -> tuple[str, ...]:
    r"""The steps of a path. `\.` is a dot in a name: `metadata.labels.app\.kubernetes\.io/name`. Raises ValueError."""
    found, at = [], 0
    for match in _STEP.finditer(path):
        if match.start() != at:
            break
        found.append(re.sub(r"\\(.)", r"\1", match[1]))
        at = match.end()
    if not path or at != len(path) or (path.endswith(".") and not path.endswith("\\.")) or len(found) > MAX_STEPS:
        raise ValueError(f"{path!r} is not the path of a field, such as metadata.labels")
    return tuple(found)


def tree(paths: Iterable[str]) -> FieldTree:
    """Several paths as one. Raises ValueError."""
    root: dict[str, Any] = {}
    whole: list[dict[str, Any]] = []
    for path in paths:
        here = root
        for step in steps(path):
            here = here.setdefault(step, {})
        whole.append(here)
    for node in whole:
        node.clear()  # `spec` and `spec.type` are `spec`
    return root


def pick(value: Any, wanted: FieldTree) -> Any:
    """The wanted fields of a JSON value, where they are; a step into a list goes into each of its elements."""
    found = _pick(value, wanted)
    return {} if found is _MISSING else found


def _pick(value: Any, wanted: FieldTree) -> Any:
    if not wanted:
        return value
    if isinstance(value, dict):
        pairs = ((key, _pick(value[key], below)) for key, below in wanted.items() if key in value)
        return {key: found for key, found in pairs if found is not _MISSING}
    if isinstance(value, list):
        return [found for found in (_pick(item, wanted) for item in value) if found is not _MISSING]
    return _MISSING
