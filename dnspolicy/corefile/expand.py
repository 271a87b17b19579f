"""Imports, snippets and variables: statements as written → statements as meant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from dnspolicy.corefile.complaints import Complaints, shown
from dnspolicy.corefile.files import Files
from dnspolicy.corefile.lexer import MAX_WORD
from dnspolicy.corefile.tree import Directive, Position, Word

MAX_IMPORTS = 16
"""Imports within imports."""
MAX_WORDS = 1_000_000
"""Words after expansion."""
_VARIABLE = re.compile(r"\{\$([^{}\s]+)\}|\{%([^{}%\s]+)%\}|\{args(?:\[(\d{1,4})\]|\.(\d{1,4}))\}")


class _Frame(msgspec.Struct, frozen=True):
    """Where a statement is expanded: in which file, with which arguments, and through which imports."""

    file: Path
    args: tuple[Word, ...] | None = None
    chain: tuple[str, ...] = ()


class Expander:
    """Expands one Corefile. Snippets may be used before they are defined."""

    def __init__(self, files: Files, environ: Mapping[str, str], complaints: Complaints) -> None:
        self._files = files
        self._environ = environ
        self._complaints = complaints
        self._snippets: dict[str, tuple[Directive, Path]] = {}
        self._room = MAX_WORDS

    def expand(self, path: Path) -> tuple[Directive, ...]:
        """The server blocks of a file, everything imported and replaced."""
        start = Position(str(path), 1, 1)
        found = self._without_snippets(self._files.statements(path, start), path)
        frame = _Frame(path, chain=(_identity(path),))
        return tuple(self._statements(found, frame))

    def _without_snippets(self, found: Iterable[Directive], path: Path) -> list[Directive]:
        """Keep the snippets of a file in mind; the rest."""
        rest = []
        for statement in found:
            name = statement.name
            if statement.words or not statement.braces or not (name.startswith("(") and name.endswith(")")):
                rest.append(statement)
                continue
            known = self._snippets.setdefault(name[1:-1], (statement, path))[0]
            if known is not statement:
                self._complaints.add(statement.at, f"snippet {shown(name)} is defined twice; first at {known.at}")
        return rest

    def _statements(self, found: Iterable[Directive], frame: _Frame) -> Iterator[Directive]:
        for statement in found:
            if not self._spend(1 + len(statement.words), statement.at):
                return
            if statement.name == "import":
                yield from self._import(statement, frame)
                continue
            head = self._word(statement.head, frame)
            words = tuple(self._word(word, frame) for word in statement.words)
            yield Directive(
                head.text, words, tuple(self._statements(statement.options, frame)), head.at, statement.braces
            )

    def _spend(self, words: int, at: Position) -> bool:
        """Whether that many words may still be had; complains the first time they may not."""
        if self._room >= 0 and self._room < words:
            self._complaints.add(at, f"imports grow to more than {MAX_WORDS} words")
            self._room = -1
        self._room -= words
        return self._room >= 0

    def _import(self, statement: Directive, frame: _Frame) -> Iterator[Directive]:
        if not statement.words or statement.braces:
            self._complaints.add(statement.at, "import cannot be read", expected="import NAME|FILE [ARGUMENT…]")
            return
        if len(frame.chain) > MAX_IMPORTS:
            self._complaints.add(statement.at, f"imports are nested more than {MAX_IMPORTS} deep")
            return
        what, *args = (self._word(word, frame) for word in statement.words)
        snippet = self._snippets.get(what.text)
        if snippet is not None:
            yield from self._inside(f"({what.text})", snippet[0].options, snippet[1], tuple(args), what, frame)
            return
        for path in self._paths(what, frame):
            read = self._without_snippets(self._files.statements(path, what.at), path)
            yield from self._inside(_identity(path), read, path, tuple(args), what, frame)

    def _inside(
        self, thing: str, found: Iterable[Directive], file: Path, args: tuple[Word, ...], what: Word, frame: _Frame
    ) -> Iterator[Directive]:
        chain = (*frame.chain, thing)
        if thing in frame.chain:
            circle = " → ".join(chain[frame.chain.index(thing) :])
            self._complaints.add(what.at, f"import of {shown(what.text)} goes in a circle: {circle}")
            return
        yield from self._statements(found, _Frame(file, args, chain))

    def _paths(self, what: Word, frame: _Frame) -> list[Path]:
        paths = self._files.matching(what.text, frame.file, what.at) if what.text else None
        if paths is None:
            self._complaints.add(
                what.at,
                f"no snippet and no file is called {shown(what.text)}",
                expected="a snippet, a file or a pattern",
                word=what.text,
                known=self._snippets,
            )
        return paths or []

    def _word(self, word: Word, frame: _Frame) -> Word:
        """The word with its variables replaced, once: what a variable holds is not looked at again."""
        if "{" not in word.text:
            return word
        whole = _VARIABLE.fullmatch(word.text)
        at = word.at
        if whole and frame.args and (number := whole[3] or whole[4]) and int(number) < len(frame.args):
            at = frame.args[int(number)].at
        text = _VARIABLE.sub(lambda match: self._value(match, word, frame), word.text)
        if len(text) > MAX_WORD:
            self._complaints.add(word.at, "a word is too long", expected=f"at most {MAX_WORD} characters")
            text = ""
        return Word(text, at, word.quoted)

    def _value(self, match: re.Match[str], word: Word, frame: _Frame) -> str:
        variable = match[1] or match[2]
        if variable is not None:
            value = self._environ.get(variable)
            if value is None:
                self._complaints.add(
                    word.at,
                    f"environment variable {shown(variable)} is not set",
                    expected="it to be set, even if empty",
                    word=variable,
                    known=self._environ,
                )
            return value or ""
        index = int(match[3] or match[4])
        if frame.args is None or index >= len(frame.args):
            count = len(frame.args or ())
            self._complaints.add(
                word.at, f"there is no argument {match[0]}", expected=f"an import with more than {count}"
            )
            return ""
        return frame.args[index].text


def _identity(path: Path) -> str:
    return os.path.realpath(path)
