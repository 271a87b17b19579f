"""The white space of Rego files, as `opa fmt` leaves it; for where there is no `opa` to do the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce
from math import gcd

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|#[^\n]*|\n|.', re.DOTALL)
_UNITS = (2, 4, 8)


def whitespace(text: str) -> str:
    """The same rules with tabs before, nothing after a line, one empty line at most, and a newline at the end.

    What stands in raw strings stays. Spaces become tabs when all indentation is a multiple of 2, 4 or 8 of them.
    """
    text = text.replace("\r\n", "\n")
    inside = set(_inside(text))
    lines = text.split("\n")
    unit = _unit([line for at, line in enumerate(lines) if at not in inside])
    kept: list[str] = []
    for at, line in enumerate(lines):
        begins_inside, ends_inside = at in inside, at + 1 in inside
        new = line if begins_inside else _indented(line, unit)
        new = new if ends_inside else new.rstrip(" \t")
        if new or begins_inside or (kept and kept[-1]):
            kept.append(new)
    return "\n".join(kept).strip("\n") + "\n" if any(kept) else ""


def _inside(text: str) -> Iterator[int]:
    """Lines (from 0) that begin within a raw string."""
    line = 0
    for token in _TOKEN.findall(text):
        count = token.count("\n")
        if token.startswith("`"):
            yield from range(line + 1, line + count + 1)
        line += count


def _unit(lines: list[str]) -> int:
    """How many spaces are one step of indentation; 0 when that cannot be told."""
    widths = {len(line) - len(line.lstrip(" ")) for line in lines if line.strip()}
    unit = reduce(gcd, widths, 0)
    return next((u for u in reversed(_UNITS) if unit and unit % u == 0), 0)


def _indented(line: str, unit: int) -> str:
    bare = line.lstrip(" ")
    width = len(line) - len(bare)
    return "\t" * (width // unit) + bare if unit else line
