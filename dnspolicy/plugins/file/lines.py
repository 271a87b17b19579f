"""Lines of a zone file: comments gone, parentheses joined (RFC 1035 5.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dnspolicy.model.errors import DnsPolicyError

MAX_ENTRY = 1 << 20
"""Characters of one entry, over all its lines."""
_SPECIAL = re.compile(r'[;"()\\]')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\\.|;|[()"]')
_GENERATED = re.compile(r"\\\$|\$(?:\{(-?\d{1,9})(?:,(\d{1,3})(?:,([doxX]))?)?\})?")
_RANGE = re.compile(r"(\d{1,9})-(\d{1,9})(?:/(\d{1,9}))?\Z")
MAX_GENERATED = 65_536


class BadZone(DnsPolicyError):
    """A zone file cannot be used: `FILE:LINE: why`."""


class Entry:
    """One entry that may span lines. `line` is where it begins; a blank in front means the owner of the last one."""

    __slots__ = ("line", "plain", "text")

    def __init__(self, line: int, text: str, plain: bool) -> None:
        self.line = line
        self.text = text
        self.plain = plain


class Misplaced(Exception):
    """What is wrong with a line."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.why = why


def entries(lines: Iterable[str]) -> Iterator[Entry]:
    """The entries of a file. `plain` ones have neither quotes nor backslashes. Raises Misplaced."""
    parts: list[str] = []
    first, depth, plain, size = 0, 0, True, 0
    for number, line in enumerate(lines, 1):
        if _SPECIAL.search(line):
            plain = plain and '"' not in line and "\\" not in line
            line, depth = _stripped(number, line, depth)
        if not parts:
            first, size = number, 0
        size += len(line)
        if size > MAX_ENTRY:
            raise Misplaced(first, f"an entry of more than {MAX_ENTRY} characters")
        parts.append(line)
        if depth:
            continue
        text = " ".join(parts) if len(parts) > 1 else line
        parts.clear()
        if text and not text.isspace():
            yield Entry(first, text, plain)
        plain = True
    if depth:
        raise Misplaced(first, "a parenthesis is never closed")


def _stripped(number: int, line: str, depth: int) -> tuple[str, int]:
    """A line without its comment, with blanks for parentheses, and how many of them are open at its end."""
    found, at = [], 0
    for match in _TOKEN.finditer(line):
        token = match.group()
        if token == '"':
            raise Misplaced(number, "a quote is never closed")
        if token not in (";", "(", ")"):
            continue
        found.append(line[at : match.start()])
        at = match.end()
        if token == ";":
            at = len(line)
            break
        found.append(" ")
        depth += 1 if token == "(" else -1
        if depth < 0:
            raise Misplaced(number, "a closing parenthesis without an opening one")
    found.append(line[at:])
    return "".join(found), depth


def generated(entry: Entry) -> Iterator[Entry]:
    """The entries a `$GENERATE START-STOP[/STEP] OWNER REST` stands for. Raises Misplaced."""
    words = entry.text.split(None, 2)
    match = _RANGE.match(words[1]) if len(words) == 3 else None
    if match is None:
        raise Misplaced(entry.line, "expected $GENERATE START-STOP[/STEP] OWNER TYPE DATA")
    start, stop, step = int(match[1]), int(match[2]), int(match[3] or 1)
    if not step or stop < start or (stop - start) // step >= MAX_GENERATED:
        raise Misplaced(entry.line, f"{words[1]!r} is no range of up to {MAX_GENERATED} numbers")
    for number in range(start, stop + 1, step):
        yield Entry(entry.line, _GENERATED.sub(lambda m, n=number: _number(m, n), words[2]), entry.plain)  # type: ignore[misc]


def _number(match: re.Match[str], number: int) -> str:
    if match[0] == "\\$":
        return "$"
    shifted = number + int(match[1] or 0)
    return format(shifted, f"0{match[2] or 0}{match[3] or 'd'}")
