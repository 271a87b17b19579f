"""Everything that is wrong with a configuration, told at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from dnspolicy.corefile.tree import Directive, Position, Word
from dnspolicy.model.errors import ConfigError
from dnspolicy.model.printable import escaped

MAX_COMPLAINTS = 100
"""More than these are only counted."""
_MAX_SHOWN = 60
_MAX_LISTED = 30


class Complaints:
    """Collects complaints; `raise_if_any` raises one ConfigError with all of them, one a line."""

    def __init__(self) -> None:
        self._lines: dict[str, Position] = {}
        self._more = 0
        self._files: list[str] = []

    def __len__(self) -> int:
        return len(self._lines) + self._more

    def add(self, at: Position, wrong: str, *, expected: str = "", word: str = "", known: Iterable[str] = ()) -> None:
        """Complain about what stands `at`, and name the nearest of `known` to `word`.

        The same complaint about the same place counts once.
        """
        if len(self._lines) >= MAX_COMPLAINTS:
            self._more += 1
            return
        parts = [escaped(wrong)]
        if expected:
            parts.append(f"expected {escaped(expected)}")
        meant = nearest(word, known)
        if meant is not None:
            parts.append(f"did you mean {shown(meant)}?")
        if at.file not in self._files:
            self._files.append(at.file)
        self._lines.setdefault(f"{escaped(str(at))}: {'; '.join(parts)}", at)

    def unknown(self, word: Word | Directive, known: Iterable[str], kind: str = "plugin", of: str = "") -> None:
        """Complain about a word that is none of `known`, and name the nearest that is."""
        text = word.name if isinstance(word, Directive) else word.text
        names = sorted(known)
        wrong = f"unknown {kind} {shown(text)}" + (f" of {of}" if of else "")
        self.add(word.at, wrong, expected=_one_of(names), word=text, known=names)

    def __str__(self) -> str:
        """All complaints in the order of files, lines and columns."""
        ordered = sorted(self._lines, key=lambda line: (self._files.index(self._lines[line].file), self._lines[line]))
        return "\n".join([*ordered, f"and {self._more} more"] if self._more else ordered)

    def raise_if_any(self) -> None:
        """Raises ConfigError when there was a complaint."""
        if self._lines:
            raise ConfigError(str(self))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like `word`, if any does."""
    by_lower = {text.lower(): text for text in known}
    found = get_close_matches(word.lower()[:_MAX_SHOWN], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def shown(text: str, most: int = _MAX_SHOWN) -> str:
    """`text` in quotes, shortened to `most` characters, without control characters."""
    short = text if len(text) <= most else text[: most - 1] + "…"
    return f'"{escaped(short)}"'


def _one_of(names: Sequence[str]) -> str:
    if not names:
        return "nothing here"
    if len(names) == 1:
        return shown(names[0])
    listed = ", ".join(names[:_MAX_LISTED])
    return f"one of {listed}{', …' if len(names) > _MAX_LISTED else ''}"
