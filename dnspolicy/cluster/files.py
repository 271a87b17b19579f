"""Manifest files → objects, with the line of what is wrong."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import yaml

from dnspolicy.cluster.objects import Object, Thing
from dnspolicy.cluster.raw import BadObject
from dnspolicy.model.errors import ManifestError
from dnspolicy.model.printable import escaped

SUFFIXES = frozenset((".yaml", ".yml", ".json"))
MAX_COMPLAINTS = 20
"""A file of another format is wrong in every line; so many are enough to see it."""

MAX_DEPTH = 500
"""Levels of nesting. libyaml builds nodes by recursion in C, which a file of brackets would run out of stack."""

_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"

MAX_MERGED = 10_000
"""Keys that `<<` may bring into one mapping. Merges of merges multiply, so a short file could ask for millions."""

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


class Loader(yaml.CSafeLoader):
    """YAML as kubectl reads it: a date is a text, as JSON has no dates."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """As in the library, within bounds."""
        written = len(node.value)
        super().flatten_mapping(node)
        if len(node.value) > max(written, MAX_MERGED):
            raise yaml.constructor.ConstructorError(None, None, "`<<` merges too much", node.start_mark)


class Decodes(Protocol):
    """Takes objects out of one document: JSON bytes, or what a parser made of it. Raises BadObject."""

    def decode(self, document: object) -> Sequence[Object | Thing]: ...


def read_objects(path: Path, content: bytes, decoder: Decodes) -> list[Object | Thing]:
    """All objects of a file (multi-document YAML, or JSON), in its order.

    Raises ManifestError with every complaint, one a line: `file:line: field: what is wrong`. A file with one bad
    document is bad as a whole.
    """
    read = _read_json if path.suffix == ".json" else _read_yaml
    objects: list[Object | Thing] = []
    complaints: list[str] = []
    for item in read(content, decoder):
        if isinstance(item, list):
            objects += item
        elif len(complaints) < MAX_COMPLAINTS:
            line, problem = item
            complaints.append(escaped(f"{path}:{line}: {problem}" if line else f"{path}: {problem}"))
    if complaints:
        raise ManifestError("\n".join(complaints))
    return objects


def too_deep(content: bytes) -> bool:
    """Whether something is nested deeper than `MAX_DEPTH`. Every level needs a bracket or a column of its own."""
    brackets = content.count(b"[") + content.count(b"{")
    if brackets + max(map(len, content.splitlines()), default=0) <= MAX_DEPTH:
        return False
    depth = 0
    try:
        for event in yaml.parse(content, Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                return True
    except yaml.YAMLError:
        return False  # nothing after this point is built
    return False


Complaint = tuple[int, str]
"""Line, from 1 (0 when nobody knows), and problem."""


def _read_yaml(content: bytes, decoder: Decodes) -> Iterator[list[Object | Thing] | Complaint]:
    if too_deep(content):
        yield 0, _TOO_DEEP
        return
    try:
        loader = Loader(content)
        try:
            while loader.check_node():
                node = loader.get_node()
                if node is not None:
                    yield _document(loader, node, decoder)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        yield (mark.line + 1 if mark else 0, f"not YAML: {problem.problem or problem.context}")
    except yaml.YAMLError as problem:
        yield 0, f"not YAML: {_one_line(str(problem))}"
    except RecursionError:
        yield 0, _TOO_DEEP


def _document(loader: Loader, node: yaml.Node, decoder: Decodes) -> list[Object | Thing] | Complaint:
    try:
        document = loader.construct_document(node)
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError):  # what PyYAML raises for `!!int x`
        return _line(node, ""), "not YAML: a value does not fit its tag"
    try:
        return [] if document is None else list(decoder.decode(document))
    except BadObject as problem:
        return _line(node, problem.field), str(problem)


def _read_json(content: bytes, decoder: Decodes) -> Iterator[list[Object | Thing] | Complaint]:
    try:
        yield list(decoder.decode(content.removeprefix(BOM_UTF8)))
    except BadObject as problem:
        yield _json_line(content, problem), str(problem)
    except RecursionError:
        yield 0, _TOO_DEEP


def _json_line(content: bytes, problem: BadObject) -> int:
    """Where in a JSON file a complaint belongs. JSON is YAML, so the YAML parser knows the lines."""
    at = re.search(r"\(byte (\d+)\)", problem.problem)
    if at is not None:
        return content.count(b"\n", 0, int(at[1])) + 1
    if problem.problem.endswith("truncated"):
        return content.count(b"\n") + 1
    try:
        return 1 if too_deep(content) else _line(yaml.compose(content, Loader), problem.field)
    except (yaml.YAMLError, RecursionError):
        return 1


def _line(node: Any, field: str) -> int:
    """The line of a field such as `items[3].spec.ports[0].port`, or of the nearest thing around it."""
    line = _first_line(node)
    for number, key in _STEP.findall(field):
        if number and isinstance(node, yaml.SequenceNode) and int(number) < len(node.value):
            node = node.value[int(number)]
            line = _first_line(node)
        elif key and isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == key), None)
            if found is None:
                break
            line = _first_line(found[0])
            node = found[1]
        else:
            break
    return line


def _first_line(node: Any) -> int:
    return 1 if node is None else int(node.start_mark.line) + 1


def _one_line(text: str) -> str:
    return " ".join(text.split())
