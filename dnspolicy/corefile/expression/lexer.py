"""Text → tokens of an expression."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

import msgspec

from dnspolicy.corefile.expression.values import ExpressionError

MAX_TEXT = 16_384
"""Characters of one expression."""
_TOKEN = re.compile(
    r"""
      (?P<blank>\s+)
    | (?P<number>0[xX][0-9a-fA-F]+|\d+(?:_\d+)*(?:\.\d+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<quoted>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    | (?P<raw>`[^`]*`)
    | (?P<sign>\|\||&&|==|!=|<=|>=|\.\.|[<>!+\-*/%?:(),\[\]\#])
    """,
    re.VERBOSE | re.ASCII,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
WORD_SIGNS = frozenset(("and", "or", "not", "in", "matches", "contains", "startsWith", "endsWith"))


class Token(Enum):
    NUMBER = auto()
    TEXT = auto()
    NAME = auto()
    SIGN = auto()
    END = auto()


class Lexeme(msgspec.Struct, frozen=True, gc=False):
    """One token. `value` of a number or text is what it stands for, else what was written."""

    token: Token
    value: Any
    at: int


def lexemes(text: str) -> list[Lexeme]:
    """All tokens, an END last. Raises ExpressionError."""
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"an expression has {len(text)} characters; at most {MAX_TEXT} are allowed", 0)
    return [*_lexemes(text), Lexeme(Token.END, "", len(text))]


def _lexemes(text: str) -> Iterator[Lexeme]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(_complaint(text[at]), at)
        written = match[0]
        match match.lastgroup:
            case "number":
                yield Lexeme(Token.NUMBER, _number(written, at), at)
            case "quoted":
                yield Lexeme(Token.TEXT, _unescaped(written[1:-1], at), at)
            case "raw":
                yield Lexeme(Token.TEXT, written[1:-1], at)
            case "name":
                yield Lexeme(Token.SIGN if written in WORD_SIGNS else Token.NAME, written, at)
            case "sign":
                yield Lexeme(Token.SIGN, written, at)
        at = match.end()


def _complaint(letter: str) -> str:
    return "a text is never closed" if letter in "'\"`" else "a character that no expression has"


def _number(written: str, at: int) -> int | float:
    if len(written) > 18:
        raise ExpressionError("a number is too long", at)
    if written[:2] in ("0x", "0X"):
        return int(written, 16)
    plain = written.replace("_", "")
    return float(plain) if "." in plain else int(plain)


def _unescaped(written: str, at: int) -> str:
    """What stands between quotes, its escapes resolved. Raises ExpressionError."""

    def resolve(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            number = int(code, 8) if code.isdigit() else int(code[1:], 16)
            if number > 0x10FFFF or 0xD800 <= number < 0xE000:
                raise ExpressionError("an escape that is no character", at)
            return chr(number)
        if code in _LETTERS:
            return _LETTERS[code]
        if code in "\\'\"":
            return code
        raise ExpressionError("a backslash in a text that begins no escape; write two for one", at)

    return _ESCAPE.sub(resolve, written) if "\\" in written else written
