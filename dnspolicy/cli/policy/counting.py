"""Counts by several columns, and how they are printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from dnspolicy.audit.show import safe

MOST = 100_000
"""Rows that are told apart; what comes beyond is counted under one name for each of the other columns."""
OTHERS = "(others)"


class Row(msgspec.Struct):
    """One row: how many queries, between which times."""

    queries: int = 0
    first: str = ""
    last: str = ""

    def add(self, queries: int, first: str, last: str) -> None:
        self.queries += queries
        self.first = min(self.first or first, first)
        self.last = max(self.last, last)


class Counts:
    """Queries by tuples of texts. The last text of a tuple, a name, is given up when there are too many."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, ...], Row] = {}

    def add(self, key: tuple[str, ...], queries: int, first: str, last: str) -> None:
        """Count a record."""
        if key not in self.rows and len(self.rows) >= MOST:
            key = (*key[:-1], OTHERS)
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = Row()
        row.add(queries, first, last)

    def ordered(self) -> list[tuple[tuple[str, ...], Row]]:
        """Most queries first."""
        return sorted(self.rows.items(), key=lambda item: (-item[1].queries, item[0]))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns of text; what does not print is escaped."""
    cells = [list(header), *([safe(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )
