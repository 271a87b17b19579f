"""`# METADATA` comments, as Open Policy Agent reads them: YAML in a comment before a rule or package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec
import yaml

MAX_TEXT = 64 * 1024
"""Characters of one comment that are read."""
_HEAD = re.compile(r"^\s*#\s*METADATA\s*$")
_PACKAGE = re.compile(r"^\s*package\b")


class Scope(StrEnum):
    """What an annotation is about."""

    PACKAGE = "package"
    SUBPACKAGES = "subpackages"
    DOCUMENT = "document"
    RULE = "rule"


class Annotation(msgspec.Struct, frozen=True):
    """One comment. `line` is where it begins; `about` the line it speaks of, 0 when nothing follows."""

    scope: Scope
    title: str
    description: str
    custom: dict[str, Any]
    line: int
    about: int


def annotations_of(text: str) -> tuple[Annotation, ...]:
    """The annotations of a file, in order. A comment that is no YAML object is left out: `broken` has those."""
    lines = text.split("\n")
    made = []
    for comment in _comments(lines):
        found = _read(comment.yaml)
        if found is not None:
            is_package = comment.about >= 0 and _PACKAGE.match(lines[comment.about]) is not None
            usual = Scope.PACKAGE if is_package else Scope.RULE
            made.append(_annotation(found, usual, comment.line + 1, comment.about + 1))
    return tuple(made)


def broken(text: str) -> tuple[int, ...]:
    """The lines of `# METADATA` comments that Open Policy Agent refuses, and the file with them."""
    return tuple(comment.line + 1 for comment in _comments(text.split("\n")) if _read(comment.yaml) is None)


class _Comment(msgspec.Struct, frozen=True):
    """Lines counted from 0; `about` is -1 when nothing follows."""

    line: int
    about: int
    yaml: list[str]


def _comments(lines: list[str]) -> Iterator[_Comment]:
    at = 0
    while at < len(lines):
        if not _HEAD.match(lines[at]):
            at += 1
            continue
        end = at + 1
        while end < len(lines) and lines[end].lstrip().startswith("#") and not _HEAD.match(lines[end]):
            end += 1
        about = next((n for n in range(end, len(lines)) if lines[n].strip()), -1)
        yield _Comment(at, about, [line.lstrip()[1:].removeprefix(" ") for line in lines[at + 1 : end]])
        at = end


def _read(lines: list[str]) -> dict[str, Any] | None:
    text = "\n".join(lines)[:MAX_TEXT]
    if re.search(r"(?:^|[\s\[{,:])[&*]\w", text):  # aliases could make a small comment a large value
        return None
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _annotation(found: dict[str, Any], usual: Scope, line: int, about: int) -> Annotation:
    scope = found.get("scope")
    custom = found.get("custom")
    return Annotation(
        scope=Scope(scope) if scope in set(Scope) else usual,
        title=str(found.get("title") or "").strip(),
        description=str(found.get("description") or "").strip(),
        custom=custom if isinstance(custom, dict) else {},
        line=line,
        about=about,
    )
