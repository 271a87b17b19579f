"""A template as Go's text/template has them → closures that make its text.

What is outside of the part that makes sense for records is refused when it is read: `define`, `template`, `block`,
`break`, `continue`, `html`, `js`, `urlquery`, `call` and floating numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dnspolicy.plugins.template.lexer import Action, BadTemplate, Piece, Sort, Word, pieces
from dnspolicy.plugins.template.running import (
    Data,
    Frame,
    Run,
    and_or,
    assignment,
    below,
    over_items,
    plain,
    sequence,
    with_value,
)
from dnspolicy.plugins.template.values import FUNCTIONS, shown, truth
from dnspolicy.plugins.template.words import Words

_DEEPEST = 32
_OWN = ("and", "or")
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "nil": None}
_BLOCKS = ("if", "with", "range")


class Template(msgspec.Struct, frozen=True):
    """One template. `fields` are the paths it reads of its data, `labels` the metadata."""

    text: str
    fields: frozenset[tuple[str, ...]]
    labels: frozenset[str]
    body: Run
    slots: int

    def render(self, data: Data) -> str:
        """The text made for `data`. Raises Failed."""
        frame = Frame(data, self.slots)
        self.body(frame)
        return "".join(frame.out)


def parse(text: str, known: Mapping[str, Iterable[str] | None]) -> Template:
    """Read a template whose data has the fields `known`; each with the names below it, None for any.

    Raises BadTemplate.
    """
    parser = _Parser(list(pieces(text)), known)
    body = parser.whole()
    return Template(text, frozenset(parser.fields), frozenset(parser.labels), body, parser.slots)


class _Parser:
    """`rooted`: the dot is the data itself here, not what a `with` or `range` made it."""

    def __init__(self, found: list[Piece], known: Mapping[str, Iterable[str] | None]) -> None:
        self._pieces = found
        self._at = 0
        self._known = known
        self._scopes: list[dict[str, int]] = [{}]
        self._rooted = True
        self._depth = 0
        self.slots = 0
        self.fields: set[tuple[str, ...]] = set()
        self.labels: set[str] = set()

    def whole(self) -> Run:
        body, end = self._list()
        if end is not None:
            raise BadTemplate(f"{end.words[0].text!r} without a beginning", end.at)
        return body

    def _list(self) -> tuple[Run, Action | None]:
        """What stands up to `else`, `end` or the end, and which of them it was."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise BadTemplate("too deep", 1)
        runs: list[Run] = []
        end = None
        while self._at < len(self._pieces) and end is None:
            piece = self._pieces[self._at]
            self._at += 1
            if isinstance(piece, str):
                runs.append(plain(piece))
            elif _first(piece) in ("else", "end"):
                end = piece
            else:
                runs.append(self._action(piece))
        self._depth -= 1
        return sequence(runs), end

    def _action(self, action: Action) -> Run:
        words = Words(action)
        keyword = _first(action)
        if keyword in _BLOCKS:
            words.take()
            return self._block(keyword, words)
        value, declares = self._pipeline(words)
        words.done()
        if declares:
            return value
        return lambda frame: frame.write(shown(value(frame)))

    def _block(self, keyword: str, words: Words) -> Run:
        self._scopes.append({})
        rooted = self._rooted
        slots: list[int] = []
        if keyword == "range":
            slots = self._range_variables(words)
        value, _ = self._pipeline(words)
        words.done()
        self._rooted = rooted and keyword == "if"
        body, end = self._list()
        self._rooted = rooted
        other = self._other(end, words.at)
        self._scopes.pop()
        if keyword == "if":
            return lambda frame: body(frame) if truth(value(frame)) else other(frame)
        return with_value(value, body, other) if keyword == "with" else over_items(value, slots, body, other)

    def _other(self, end: Action | None, at: int) -> Run:
        """What stands behind `else`, up to `end`."""
        if end is None:
            raise BadTemplate("the block has no end", at)
        words = Words(end)
        if words.take().text == "end":
            words.done()
            return plain("")
        following = words.peek()
        if following is not None:
            if following.text not in ("if", "with"):
                raise BadTemplate(f"{following.text!r} behind else; expected if or with", following.at)
            words.take()
            return self._block(following.text, words)
        body, last = self._list()
        if last is None or _first(last) != "end":
            raise BadTemplate("else has no end", end.at)
        return body

    def _range_variables(self, words: Words) -> list[int]:
        """`range $i, $v := …` and `range $v := …`."""
        names = words.declared()
        return [self._slot(name) for name in names]

    def _slot(self, name: str) -> int:
        self.slots += 1
        self._scopes[-1][name] = self.slots - 1
        return self.slots - 1

    def _variable(self, word: Word) -> int:
        for scope in reversed(self._scopes):
            if word.text in scope:
                return scope[word.text]
        raise BadTemplate(f"{word.text} is not declared", word.at)

    def _pipeline(self, words: Words) -> tuple[Run, bool]:
        """The value of commands joined by `|`, and whether it goes to a variable instead of being shown."""
        first, sign = words.peek(), words.peek(1)
        target = None
        if first is not None and first.sort is Sort.VARIABLE and sign is not None and sign.text in (":=", "="):
            words.take()
            words.take()
            target = first
        value = self._command(words, None)
        while words.accept("|"):
            value = self._command(words, value)
        if target is None:
            return value, False
        assert sign is not None
        slot = self._slot(target.text) if sign.text == ":=" else self._variable(target)
        return assignment(slot, value), True

    def _command(self, words: Words, piped: Run | None) -> Run:
        first = words.peek()
        if first is None or (first.text in ("|", ")") and first.sort is Sort.SIGN):
            raise BadTemplate("a value is missing", words.at)
        if first.sort is Sort.NAME and first.text not in _CONSTANTS:
            words.take()
            arguments = self._arguments(words)
            return _call(first, [*arguments, *([piped] if piped is not None else [])])
        operand = self._operand(words)
        extra = words.peek()
        if piped is not None or (extra is not None and extra.text not in ("|", ")")):
            raise BadTemplate("only functions and .Meta take arguments", first.at)
        return operand

    def _arguments(self, words: Words) -> list[Run]:
        found = []
        while (word := words.peek()) is not None and not (word.sort is Sort.SIGN and word.text in ("|", ")")):
            found.append(self._operand(words))
        return found

    def _operand(self, words: Words) -> Run:
        word = words.take()
        if word.sort in (Sort.TEXT, Sort.LETTER, Sort.NUMBER) or word.text in _CONSTANTS:
            return _constant(word)
        if word.text == "(" and word.sort is Sort.SIGN:
            value, declares = self._pipeline(words)
            if declares:
                raise BadTemplate("a variable cannot be set in brackets", word.at)
            words.expect(")")
            return below(value, words.fields())
        if word.sort is Sort.FIELD:
            return self._path(words, (word.text[1:], *words.fields()), word.at)
        if word.sort is Sort.VARIABLE:
            return self._of_variable(words, word)
        if word.text == "." and not self._rooted:
            return lambda frame: frame.dot
        if word.text == ".":
            raise BadTemplate("the whole of the data has no value; name a field of it", word.at)
        if word.sort is Sort.NAME:
            return _call(word, [])
        raise BadTemplate(f"{word.text!r} is no value", word.at)

    def _of_variable(self, words: Words, word: Word) -> Run:
        path = words.fields()
        if word.text == "$":
            if not path:
                raise BadTemplate("the whole of the data has no value; name a field of it", word.at)
            return self._root_path(words, path, word.at)
        slot = self._variable(word)
        return below(lambda frame: frame.variables[slot], path)

    def _path(self, words: Words, path: tuple[str, ...], at: int) -> Run:
        if self._rooted:
            return self._root_path(words, path, at)
        return below(lambda frame: frame.dot, path)

    def _root_path(self, words: Words, path: tuple[str, ...], at: int) -> Run:
        """A field of the data itself. Metadata takes its label."""
        first = path[0]
        if first not in self._known:
            raise BadTemplate(f".{first} is not known; known are {', '.join(f'.{name}' for name in self._known)}", at)
        inside = self._known[first]
        if inside is not None and len(path) > 1 and path[1] not in inside:
            raise BadTemplate(f".{first}.{path[1]} is not known; known are {', '.join(inside) or 'none'}", at)
        if first == "Meta":
            label = words.peek()
            if label is None or label.sort is not Sort.TEXT or len(path) > 1:
                raise BadTemplate('.Meta takes a label, such as .Meta "kubernetes/client-namespace"', at)
            words.take()
            self.labels.add(label.text)
            return lambda frame: frame.data.describe(label.text)
        self.fields.add(path)
        return below(lambda frame: frame.data.field(first), path[1:])


def _first(action: Action) -> str:
    return action.words[0].text if action.words and action.words[0].sort is Sort.NAME else ""


def _constant(word: Word) -> Run:
    value: Any = word.text
    if word.sort is Sort.NAME:
        value = _CONSTANTS[word.text]
    elif word.sort is Sort.LETTER:
        value = ord(word.text)
    elif word.sort is Sort.NUMBER:
        digits = word.text.lstrip("+-")
        octal = len(digits) > 1 and digits[0] == "0" and digits.isdecimal()
        value = int(word.text, 8) if octal else int(word.text, 0)
    return lambda frame: value


def _call(name: Word, arguments: list[Run]) -> Run:
    if name.text in _OWN:
        if not arguments:
            raise BadTemplate(f"{name.text} wants values", name.at)
        return and_or(name.text == "and", arguments)
    found = FUNCTIONS.get(name.text)
    if found is None:
        known = ", ".join(sorted((*FUNCTIONS, *_OWN, *_BLOCKS)))
        raise BadTemplate(f"{name.text} is not known; known are {known}", name.at)
    least, most, function = found
    if len(arguments) < least or (most is not None and len(arguments) > most):
        raise BadTemplate(f"{name.text} has {len(arguments)} arguments", name.at)
    return lambda frame: function(*(argument(frame) for argument in arguments))
