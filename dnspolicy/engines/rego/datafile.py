"""Data files: JSON and YAML, merged into one document."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from dnspolicy.engines.rego.errors import Complaint

MAX_DEPTH = 100
"""Regorus refuses values nested deeper than 128."""
MAX_NODES = 5_000_000
_STACK = 500
"""Levels of nesting that are looked for first: libyaml builds nodes by recursion in C, and would run out of stack."""
MAX_MERGED = 10_000
"""Keys that `<<` may bring into one mapping. Merges of merges multiply, so a short file could ask for millions."""
_OFFSET = re.compile(r"\(byte (\d+)\)")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as JSON knows it: no dates, and a key stands once."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        written = len(node.value)
        super().flatten_mapping(node)
        if len(node.value) > max(written, MAX_MERGED):
            raise yaml.constructor.ConstructorError(None, None, "`<<` merges too much", node.start_mark)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a text", key_node.start_mark)
            text = key if isinstance(key, str) else msgspec.json.encode(key).decode()
            if text in found:
                raise yaml.constructor.ConstructorError(None, None, f"key {text!r} stands twice", key_node.start_mark)
            found[text] = self.construct_object(value_node, deep=True)
        return found


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(
    "tag:yaml.org,2002:map",
    lambda loader, node: loader.construct_mapping(node),
)


def parse_data(path: Path, raw: bytes, complaints: list[Complaint]) -> dict[str, Any] | None:
    """The object in a data file; None after a complaint."""
    value = _json(path, raw, complaints) if path.suffix == ".json" else _yaml(path, raw, complaints)
    if value is None or isinstance(value, dict):
        return value
    complaints.append(Complaint(str(path), 1, 1, "data must be an object", "put the value under a key"))
    return None


def _json(path: Path, raw: bytes, complaints: list[Complaint]) -> Any:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as problem:
        found = _OFFSET.search(str(problem))
        before = raw[: int(found[1]) if found else len(raw)].decode(errors="replace")
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        what = "nested too deeply" if isinstance(problem, RecursionError) else _OFFSET.sub("", str(problem)).strip()
        source = raw.decode(errors="replace").split("\n")[line - 1]
        complaints.append(Complaint(str(path), line, column, what, "", source))
        return None
    return _checked(path, value, complaints)


def _yaml(path: Path, raw: bytes, complaints: list[Complaint]) -> Any:
    try:
        if _too_deep(raw):
            complaints.append(Complaint(str(path), 1, 1, f"nested deeper than {MAX_DEPTH} levels"))
            return None
        value = yaml.load(raw, _Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        lines = raw.decode(errors="replace").split("\n")
        source = lines[line - 1] if line <= len(lines) else ""
        complaints.append(Complaint(str(path), line, column, problem.problem or "not YAML", "", source))
        return None
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        complaints.append(Complaint(str(path), 1, 1, f"not YAML: {problem}"))
        return None
    except (LookupError, AttributeError, TypeError, OverflowError):  # what PyYAML raises for `!!bool x`
        complaints.append(Complaint(str(path), 1, 1, "not YAML: a value does not fit its tag"))
        return None
    return _checked(path, {} if value is None else value, complaints)


def _too_deep(raw: bytes) -> bool:
    """Whether something is nested too deeply to be built. Every level needs a bracket or a column of its own."""
    brackets = raw.count(b"[") + raw.count(b"{")
    if brackets + max(map(len, raw.splitlines()), default=0) <= _STACK:
        return False
    depth = 0
    for event in yaml.parse(raw, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _STACK:
            return True
    return False


def _checked(path: Path, value: Any, complaints: list[Complaint]) -> Any:
    """The value, when it is not too deep and, with YAML's aliases written out, not too large."""
    nodes = 0
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                below.extend(node.values())
            elif isinstance(node, list):
                below.extend(node)
            elif isinstance(node, float) and not math.isfinite(node):
                complaints.append(Complaint(str(path), 1, 1, f"{node} is no number that JSON knows"))
                return None
            nodes += 1
            if nodes + len(below) > MAX_NODES:
                complaints.append(Complaint(str(path), 1, 1, f"more than {MAX_NODES} values"))
                return None
        if not below:
            return value
        level = below
    complaints.append(Complaint(str(path), 1, 1, f"nested deeper than {MAX_DEPTH} levels"))
    return None


class Merged:
    """One document out of many files. Objects merge; anything else may be said once only.

    `places`: key → the first file that has something below it.
    """

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}
        self.places: dict[str, str] = {}

    def add(self, file: str, prefix: Sequence[str], value: dict[str, Any] | None, complaints: list[Complaint]) -> None:
        """Merge `value` in at `prefix`."""
        for key in reversed(prefix):
            value = {key: value}
        if value is not None:
            self.places = dict.fromkeys(value, file) | self.places
            for path in _merge(self._root, value, ()):
                complaints.append(Complaint(file, 0, 0, f"data.{'.'.join(path)} has another value in another file"))

    def encoded(self, complaints: list[Complaint]) -> bytes:
        """All of it as JSON."""
        try:
            return msgspec.json.encode(self._root)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError, OverflowError) as problem:
            complaints.append(Complaint("data", 0, 0, f"cannot be written as JSON: {problem}"))
            return b"{}"


def _merge(into: dict[str, Any], value: dict[str, Any], at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Merge deeply; yields the paths that have two different values."""
    for key, new in value.items():
        old = into.get(key, _ABSENT)
        if old is _ABSENT:
            into[key] = new
        elif isinstance(old, dict) and isinstance(new, dict):
            yield from _merge(old, new, (*at, key))
        elif old != new or type(old) is not type(new):
            yield (*at, key)


_ABSENT = object()
