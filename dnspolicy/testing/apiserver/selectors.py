"""Label and field selectors, as list and watch requests carry them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from dnspolicy.testing.apiserver.refusal import bad_request
from dnspolicy.testing.apiserver.resources import Manifest, Resource

Test = Callable[[Manifest], bool]

_SET = re.compile(r"^(\S+)\s+(in|notin)\s+\(([^)]*)\)$")
_COMPARE = re.compile(r"^([^!=\s]+)\s*(!=|==|=)\s*([^!=]*)$")
_WORD = re.compile(r"^!?\s*[^!=\s()]+$")


def selection(resource: Resource, namespace: str, labels: str, fields: str) -> Test:
    """Whether an object is meant. Raises Refusal for selectors the server does not understand."""
    tests = [_label(part) for part in _parts(labels)] + [_field(resource, part) for part in _parts(fields)]
    if namespace:
        tests.append(lambda item: item["metadata"].get("namespace") == namespace)
    return lambda item: all(test(item) for test in tests)


def _parts(text: str) -> list[str]:
    """Split at the commas outside brackets."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _label(part: str) -> Test:
    if match := _SET.match(part):
        key, word, values = match[1], match[2], {value.strip() for value in match[3].split(",")}
        return lambda item: (_labels(item).get(key) in values) is (word == "in")
    if match := _COMPARE.match(part):
        key, equal, value = match[1], match[2] != "!=", match[3].strip()
        return lambda item: (_labels(item).get(key) == value) is equal
    if _WORD.match(part):
        name = part.lstrip("! ")
        return lambda item: (name in _labels(item)) is not part.startswith("!")
    raise bad_request(f"label selector not understood: {part}")


def _labels(item: Manifest) -> Mapping[str, str]:
    return item["metadata"].get("labels") or {}


def _field(resource: Resource, part: str) -> Test:
    match = _COMPARE.match(part)
    if match is None:
        raise bad_request(f"field selector not understood: {part}")
    path, equal, value = match[1], match[2] != "!=", match[3].strip()
    if path not in ("metadata.name", "metadata.namespace", *resource.fields):
        raise bad_request(f"{resource.kind} has no selectable field {path}")
    return lambda item: (_at(item, path) == value) is equal


def _at(item: Manifest, path: str) -> str:
    found: Any = item
    for word in path.split("."):
        found = found.get(word) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return str(found).lower()
    return "" if found is None else str(found)
