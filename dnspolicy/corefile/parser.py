"""Tokens → statements: words, and in braces further statements. Knows nothing of what the words mean."""

from __future__ import annotations

from collections.abc import Iterable

from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.lexer import Kind, Token
from dnspolicy.corefile.tree import Directive, Position, Word

MAX_DEPTH = 16
"""Braces within braces."""


class _Open:
    """A statement whose block is still open; the outermost has no words."""

    def __init__(self, words: list[Word], brace: Position | None) -> None:
        self.words = words
        self.brace = brace
        self.inside: list[Directive] = []

    def close(self) -> Directive:
        return _statement(self.words, self.inside, braces=True)


def statements(found: Iterable[Token], complaints: Complaints) -> tuple[Directive, ...]:
    """All statements of a file. What does not fit is complained about and left out."""
    return _Parser(complaints).parse(found)


class _Parser:
    def __init__(self, complaints: Complaints) -> None:
        self._complaints = complaints
        self._stack = [_Open([], None)]
        self._words: list[Word] = []

    def parse(self, found: Iterable[Token]) -> tuple[Directive, ...]:
        for token in found:
            if token.kind is Kind.OPEN:
                self._open(token)
                if len(self._stack) > MAX_DEPTH + 1:
                    self._complaints.add(token.word.at, f"braces are nested more than {MAX_DEPTH} deep")
                    return ()
            elif token.kind is Kind.CLOSE:
                self._close(token)
            else:
                self._add(token)
        self._end()
        for unclosed in self._stack[1:]:
            assert unclosed.brace is not None
            self._complaints.add(unclosed.brace, 'this "{" is never closed', expected='"}"')
        return tuple(self._stack[0].inside)

    def _add(self, token: Token) -> None:
        if token.first and not self._awaits_key():
            self._end()
        self._words.append(token.word)

    def _awaits_key(self) -> bool:
        """Keys may go on in the next line after a comma."""
        return len(self._stack) == 1 and bool(self._words) and self._words[-1].text.endswith(",")

    def _open(self, token: Token) -> None:
        at = token.word.at
        if token.first and len(self._stack) > 1:
            self._end()
        if not self._words:
            self._complaints.add(at, '"{" opens nothing', expected="it at the end of the line of its directive")
        self._stack.append(_Open(self._words, at))
        self._words = []

    def _close(self, token: Token) -> None:
        self._end()
        if len(self._stack) == 1:
            self._complaints.add(token.word.at, '"}" closes nothing', expected='a "{" before it')
            return
        closed = self._stack.pop()
        if closed.words:
            self._stack[-1].inside.append(closed.close())

    def _end(self) -> None:
        if not self._words:
            return
        self._stack[-1].inside.append(_statement(self._words, (), braces=False))
        self._words = []


def _statement(words: list[Word], inside: Iterable[Directive], *, braces: bool) -> Directive:
    name = words[0]
    return Directive(name.text, tuple(words[1:]), tuple(inside), name.at, braces)
