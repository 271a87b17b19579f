"""Text of a template → pieces: plain text and the words of its actions, as Go's text/template has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

import msgspec

_ACTION = re.compile(
    r"""(?P<before>\s*\{\{-(?=\s)|\{\{)
        (?P<inside>(?:\s*/\*.*?\*/\s*?|"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\\n])+'|(?!\}\}|\s-\}\}).)*)
        (?P<after>\s-\}\}\s*|\}\})""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"\s*/\*.*\*/\s*", re.DOTALL)
_WORD = re.compile(
    r"""(?P<blank>\s+)
      | (?P<text>"(?:\\.|[^"\\\n])*"|`[^`]*`)
      | (?P<letter>'(?:\\.|[^'\\\n])+')
      | (?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|\d+)\b)
      | (?P<field>\.[A-Za-z_]\w*)
      | (?P<variable>\$\w*)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign>:=|[=|().,])""",
    re.VERBOSE | re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([0-7]{3})|(.))", re.DOTALL)
_LETTERS = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))


class Sort(StrEnum):
    """What a word of an action is."""

    TEXT = "text"
    LETTER = "letter"
    NUMBER = "number"
    FIELD = "field"
    VARIABLE = "variable"
    NAME = "name"
    SIGN = "sign"


class Word(msgspec.Struct, frozen=True, gc=False):
    """One word. `text` is what a text or letter holds; `spaced`: a blank stands before it; `at` counts from 1."""

    sort: Sort
    text: str
    at: int
    spaced: bool


class Action(msgspec.Struct, frozen=True, gc=False):
    """What stands between two braces and two braces."""

    words: tuple[Word, ...]
    at: int


class BadTemplate(ValueError):
    """A template that cannot be read. `at` is the character, from 1."""

    def __init__(self, why: str, at: int) -> None:
        super().__init__(f"character {at}: {why}")


Piece = str | Action


def pieces(text: str) -> Iterator[Piece]:
    """Plain texts and actions in turn; blanks that `{{-` and `-}}` eat are gone. Raises BadTemplate."""
    at = 0
    for match in _ACTION.finditer(text):
        plain = text[at : match.start()]
        if "{{" in plain:
            break
        if plain:
            yield plain
        at = match.end()
        inside = match["inside"]
        if not _COMMENT.fullmatch(inside):
            yield Action(tuple(_words(inside, match.start("inside"))), match.start("inside") + 1)
    rest = text[at:]
    if "{{" in rest:
        raise BadTemplate("{{ has no }}", at + rest.index("{{") + 1)
    if rest:
        yield rest


def _words(text: str, offset: int) -> Iterator[Word]:
    at, spaced = 0, True
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise BadTemplate(f"{text[at]!r} has no meaning here", offset + at + 1)
        sort, found = match.lastgroup or "", match[0]
        place = offset + at + 1
        at = match.end()
        if sort == "blank":
            spaced = True
            continue
        if sort in ("text", "letter"):
            found = found[1:-1] if found[0] == "`" else _unescaped(found[1:-1], place)
        if sort == "letter" and len(found) != 1:
            raise BadTemplate("a letter between ' is one letter", place)
        yield Word(Sort(sort), found, place, spaced)
        spaced = False


def _unescaped(text: str, at: int) -> str:
    def meaning(match: re.Match[str]) -> str:
        plain, two, four, octal, other = match.groups()
        if other is not None:
            raise BadTemplate(f"\\{other} is no escape", at)
        if plain is not None:
            return _LETTERS.get(plain, plain)
        return chr(int(octal, 8) if octal else int(two or four, 16))

    return _ESCAPE.sub(meaning, text)
