"""Complaints about policies: where, what, what to do, and the line itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from dnspolicy.model.errors import PolicyLoadError, PolicyNotChecked
from dnspolicy.model.printable import printable

_TAB = 4
"""Regorus counts a tab as four columns."""
_AT = re.compile(r"--> (?P<file>[^\n]*):(?P<line>\d+):(?P<column>\d+)\n")
_SAYS = re.compile(r"^error: (?P<what>.*)", re.MULTILINE | re.DOTALL)
_MAX_SHOWN = 50


class Complaint(msgspec.Struct, frozen=True):
    """One thing that is wrong. `line` and `column` count from 1 in characters; 0 when there is no such place."""

    file: str
    line: int
    column: int
    what: str
    remedy: str = ""
    source: str = ""
    """The line of the file, as it stands there."""
    unchecked: bool = False
    """Nothing is wrong that is known of: it could not be read or checked to the end, and another time it may."""

    def __str__(self) -> str:
        place = self.file + (f":{self.line}:{self.column}" if self.line else "")
        text = f"{place}: {printable(self.what)}" + (f"; {self.remedy}" if self.remedy else "")
        if not self.source.strip() or not self.line:
            return text
        shown = "".join(c if c.isprintable() or c == "\t" else "?" for c in self.source[:200])
        indent = "".join("\t" if c == "\t" else " " for c in shown[: self.column - 1])
        return f"{text}\n    | {shown}\n    | {indent}^"


def at_offset(file: str, text: str, offset: int, what: str, remedy: str = "") -> Complaint:
    """A complaint about byte `offset` of the UTF-8 `text` of `file`."""
    before = text.encode()[:offset].decode(errors="ignore")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return Complaint(file, line, column, what, remedy, _line(text, line))


def from_regorus(problem: str, texts: dict[str, str], file: str = "", remedy: str = "") -> Complaint:
    """What regorus says, with its place turned into characters. `texts`: file name to its text."""
    says = _SAYS.search(problem)
    what = (says["what"] if says else problem).split("Stack backtrace", 1)[0].strip().splitlines()
    said = " ".join(part.strip() for part in what) or "cannot be evaluated"
    place = _AT.search(problem)
    if place is None or place["file"] not in texts:
        return Complaint(file, 0, 0, said, remedy)
    line = int(place["line"])
    source = _line(texts[place["file"]], line)
    return Complaint(place["file"], line, _column(source, int(place["column"])), said, remedy, source)


def refuse(complaints: Iterable[Complaint]) -> PolicyLoadError:
    """The error that says them all, in the order of files and lines, each once.

    PolicyNotChecked when one of them may be none another time.
    """
    unique = sorted(set(complaints), key=lambda c: (c.file, c.line, c.column, c.what))
    shown = [str(c) for c in unique[:_MAX_SHOWN]]
    if len(unique) > _MAX_SHOWN:
        shown.append(f"… and {len(unique) - _MAX_SHOWN} more")
    kind = PolicyNotChecked if any(c.unchecked for c in unique) else PolicyLoadError
    return kind("\n".join(shown))


def _line(text: str, line: int) -> str:
    lines = text.split("\n")
    return lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else ""


def _column(source: str, reported: int) -> int:
    """Characters for a column in which tabs count four."""
    seen = 1
    for at, character in enumerate(source, 1):
        if seen >= reported:
            return at
        seen += _TAB if character == "\t" else 1
    return len(source) + 1
