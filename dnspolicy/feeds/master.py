"""The text of a zone file → records (RFC 1035 5.1), as far as response policy zones need it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from dnspolicy.feeds.failures import FeedFailure, bad_document
from dnspolicy.model.errors import BadName
from dnspolicy.model.name import from_text

MAX_LINE = 65_536
MAX_WORDS = 4_096
"""Words of one record, however many lines it has."""
USUAL_TTL = 3600
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|;.*|[()]|(?:[^\s"();\\]|\\.)+|\s+', re.DOTALL)
MAX_NAME = 1_020
"""Characters of a name as it is written: 255 bytes, each as `\\DDD`."""
_TTL = re.compile(r"(?=[0-9])(?:[0-9]{1,10}[smhdw])*(?:[0-9]{1,10})?\Z", re.IGNORECASE)
_TTL_PART = re.compile(r"(\d+)([smhdw]?)", re.IGNORECASE)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_CLASSES = frozenset(("IN", "CH", "HS", "CS"))
_TYPE = re.compile(r"[A-Z][A-Z0-9-]{0,15}\Z")
_ODD = re.compile(r'[";()\\]')
_PLAIN = re.compile(r"(?:[a-z0-9_*-]{1,63}\.)*[a-z0-9_*-]{1,63}\.?\Z")


class Row(msgspec.Struct, frozen=True, gc=False):
    """One record as written. `owner` is absolute, in lower case without its final dot; `words` are its data."""

    line: int
    owner: str
    ttl: int
    type: str
    words: tuple[str, ...]
    origin: str


def rows(text: str, name: str) -> Iterator[Row]:
    """The records of a zone file that `name` is the name of. Raises FeedFailure: `name:line: what`."""
    origin, ttl, owner = "", USUAL_TTL, None
    for number, blank, words in _records(text, name):
        if words[0].startswith("$") and not blank:
            match words[0].upper(), words[1:]:
                case "$ORIGIN", [word]:
                    origin = absolute(word, origin, name, number)
                case "$TTL", [word] if _TTL.match(word):
                    ttl = _seconds(word)
                case _:
                    raise at(name, number, f"{words[0]} is not understood here")
            continue
        if not blank:
            owner = absolute(words[0], origin, name, number)
            words = words[1:]
        if owner is None:
            raise at(name, number, "a record without an owner")
        yield _row(name, number, owner, ttl, words, origin)


def absolute(word: str, origin: str, name: str, number: int) -> str:
    """A name of a zone file, below `origin` unless it ends with a dot. Raises FeedFailure."""
    if word == "@":
        return origin
    if len(word) > MAX_NAME:
        raise at(name, number, "a name that is too long")
    lower = word.lower()
    if lower.startswith("*.") and len(word) > 2:
        return f"*.{absolute(word[2:], origin, name, number)}"
    if not _PLAIN.match(lower):
        try:
            lower = str(from_text(word)) + ("." if word.endswith(".") and not word.endswith("\\.") else "")
        except BadName as problem:
            raise at(name, number, str(problem)) from None
        if word == ".":
            return ""
    full = lower[:-1] if lower.endswith(".") else f"{lower}.{origin}" if origin else lower
    if len(full) > 253 and len(full.replace("\\", "")) > 1_000:
        raise at(name, number, "a name that is too long")
    return full


def at(name: str, number: int, what: str) -> FeedFailure:
    """A complaint about a line."""
    return bad_document(f"{name}:{number}: {what}")


def _row(name: str, number: int, owner: str, ttl: int, words: list[str], origin: str) -> Row:
    """TTL and class stand in any order before the type, or not at all."""
    rest = list(words)
    for _ in range(2):
        if len(rest) > 1 and _TTL.match(rest[0]):
            ttl = _seconds(rest.pop(0))
        elif len(rest) > 1 and rest[0].upper() in _CLASSES and rest.pop(0).upper() != "IN":
            raise at(name, number, "a class other than IN")
    kind = rest[0].upper() if rest else ""
    if not _TYPE.match(kind) or len(rest) < 2:
        raise at(name, number, "a record without type or data")
    return Row(number, owner, min(ttl, 0x7FFFFFFF), kind, tuple(rest[1:]), origin)


def _seconds(word: str) -> int:
    return sum(int(count) * _UNITS[unit.lower()] for count, unit in _TTL_PART.findall(word))


def _records(text: str, name: str) -> Iterator[tuple[int, bool, list[str]]]:
    """Line number, whether the line begins with a blank, and the words: brackets and comments taken out."""
    words: list[str] = []
    depth = start = 0
    blank = False
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            raise at(name, number, f"a line of more than {MAX_LINE} characters")
        if not depth:
            start, blank = number, line[:1] in (" ", "\t", "\r")
        if not depth and not _ODD.search(line):
            words = line.split()
        else:
            depth = _split(line, words, depth, name, number)
        if len(words) > MAX_WORDS:
            raise at(name, start, f"a record of more than {MAX_WORDS} words")
        if words and not depth:
            yield start, blank, words
            words = []
    if depth:
        raise at(name, start, "a bracket that is not closed")


def _split(line: str, words: list[str], depth: int, name: str, number: int) -> int:
    """Add the words of a line; returns how many brackets are open after it."""
    end = 0
    for match in _TOKEN.finditer(line):
        if match.start() != end:
            break
        end = match.end()
        token = match[0]
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
            if depth < 0:
                raise at(name, number, "a bracket is closed that was not opened")
        elif not token.isspace() and token[0] != ";":
            words.append(token)
    if end != len(line):
        raise at(name, number, f"{line[end : end + 20]!r} is not understood")
    return depth
