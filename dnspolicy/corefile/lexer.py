"""Text → tokens. Words end at blanks, `#` starts a comment, `"` at the start of a word quotes it.

In quotes `\\"` is a quote and every other backslash is itself, so regular expressions need no doubling. A backslash at
the end of a line joins the next one to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

import msgspec

from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.tree import Position, Word

MAX_WORD = 4096
"""Characters of one word."""
_BOM = "\ufeff"
_FORBIDDEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_TOKEN = re.compile(
    r"""
      (?P<newline>\n)
    | (?P<blank>[^\S\n]+)
    | (?P<joined>\\\r?\n)
    | (?P<comment>\#[^\n]*)
    | "(?P<quoted>[^"\\]*(?:\\.[^"\\]*)*)"
    | (?P<open_quote>"[\s\S]*)
    | (?P<word>(?:[^\s\#\\]|\\(?!\r?\n))+)
    """,
    re.VERBOSE | re.DOTALL,
)


class Kind(Enum):
    WORD = auto()
    OPEN = auto()
    CLOSE = auto()


_BRACES = {"{": Kind.OPEN, "}": Kind.CLOSE}


class Token(msgspec.Struct, frozen=True, gc=False):
    """A word or a brace. `first`: nothing stands before it on its line."""

    kind: Kind
    word: Word
    first: bool


def tokens(text: str, file: str, complaints: Complaints) -> list[Token]:
    """The tokens of `text`; empty, with a complaint, when a character does not belong into a Corefile."""
    text = text.removeprefix(_BOM)
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        at = _place(text, bad.start(), file)
        complaints.add(at, f"control character U+{ord(bad[0]):04X}", expected="plain text")
        return []
    return list(_tokens(text, file, complaints))


def _tokens(text: str, file: str, complaints: Complaints) -> Iterator[Token]:
    line, start, first = 1, 0, True
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind in ("word", "quoted", "open_quote"):
            at = Position(file, line, match.start() - start + 1)
            if kind == "open_quote":
                complaints.add(at, "a quote is never closed", expected='"')
                return
            quoted = kind == "quoted"
            word = Word(match["quoted"].replace('\\"', '"') if quoted else match[0], at, quoted)
            if len(word.text) > MAX_WORD:
                complaints.add(at, "a word is too long", expected=f"at most {MAX_WORD} characters")
            else:
                yield Token(Kind.WORD if quoted else _BRACES.get(word.text, Kind.WORD), word, first)
            first = False
        elif kind == "newline":
            first = True
        if kind in ("newline", "joined", "quoted"):
            breaks = match[0].count("\n")
            if breaks:
                line += breaks
                start = match.start() + match[0].rindex("\n") + 1


def _place(text: str, index: int, file: str) -> Position:
    line_start = text.rfind("\n", 0, index) + 1
    return Position(file, text.count("\n", 0, index) + 1, index - line_start + 1)
