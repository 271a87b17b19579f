"""How `dnspolicy observe` prints: compact lines, a table, or the records as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TextIO

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dnspolicy.audit import show
from dnspolicy.audit.record import Line, QueryRecord, RepeatRecord, printable_json
from dnspolicy.audit.show import Piece, Style, painted, safe
from dnspolicy.model.verdict import Mode

_PAGE = 1000
"""Rows of one table; a longer one would have to be held whole to be laid out."""
_NO_TERMINAL = 240
"""Width of a table (characters) that is not printed on a terminal."""
_NARROWEST = 140
"""A narrower terminal breaks the lines of a table; squeezed any more, its columns would tell nothing."""
_WHOLE = ("TIME", "CLIENT", "RULE", "RCODE", "COUNT")
"""Columns that are never broken."""


class Found(msgspec.Struct, frozen=True):
    """A record with its line as it was read."""

    raw: bytes
    line: Line


class Gap(msgspec.Struct, frozen=True):
    """`count` records are missing before the next item."""

    count: int


Item = Found | Gap


class Shown(Protocol):
    """Shows items one after the other."""

    def show(self, item: Item) -> None: ...

    def flush(self) -> None:
        """Bring out what was shown so far."""
        ...

    def finish(self) -> None:
        """Nothing more comes."""
        ...


def say(out: TextIO, text: str) -> None:
    """One line that holds nothing but what prints."""
    out.write(safe(text) + "\n")


class Compact:
    """One line a record."""

    def __init__(self, out: TextIO, colour: bool) -> None:
        self._out = out
        self._colour = colour

    def show(self, item: Item) -> None:
        pieces = [show.gap(item.count)] if isinstance(item, Gap) else show.compact(item.line)
        self._out.write(painted(pieces, colour=self._colour) + "\n")

    def flush(self) -> None:
        self._out.flush()

    def finish(self) -> None:
        self._out.flush()


class Json:
    """The records as they were read, except that what does not print is escaped."""

    def __init__(self, out: TextIO, colour: bool) -> None:
        self._out = out

    def show(self, item: Item) -> None:
        if isinstance(item, Found):
            self._out.write(_json(item.raw) + "\n")

    def flush(self) -> None:
        self._out.flush()

    def finish(self) -> None:
        self._out.flush()


def _json(raw: bytes) -> str:
    text = raw.strip().decode()
    # Whitespace between tokens cannot be escaped, so such a line is written anew.
    return text if text.isprintable() else printable_json(msgspec.json.encode(msgspec.json.decode(text)).decode())


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command, instead of ending the process as rich does."""
        raise BrokenPipeError


class Columns:
    """A table; several when there are many records."""

    def __init__(self, out: TextIO, colour: bool) -> None:
        self._console = _Console(
            file=out, force_terminal=colour, no_color=not colour, color_system="standard" if colour else None,
            width=None if out.isatty() else _NO_TERMINAL, highlight=False, markup=False, emoji=False,
        )  # fmt: skip
        self._console.width = max(self._console.width, _NARROWEST)
        self._rows: list[list[Text]] = []

    def show(self, item: Item) -> None:
        if isinstance(item, Found) and isinstance(item.line, QueryRecord):
            self._rows.append(_row(item.line))
            if len(self._rows) == _PAGE:
                self.flush()
            return
        self.flush()
        pieces = [show.gap(item.count)] if isinstance(item, Gap) else show.compact(item.line)
        self._console.print(Text(" ").join(map(_text, pieces)))

    def flush(self) -> None:
        if self._rows:
            table = Table(box=None, pad_edge=False, header_style="bold")
            for name in _COLUMNS:
                table.add_column(name, no_wrap=name in _WHOLE, overflow="fold")
            for row in self._rows:
                table.add_row(*row)
            self._console.print(table)
            self._rows.clear()

    def finish(self) -> None:
        self.flush()
        self._console.file.flush()


_COLUMNS = ("TIME", "CLIENT", "QUESTION", "VERDICT", "RULE", "REASON", "RCODE", "ANSWERS", "COUNT")


def _row(record: QueryRecord) -> list[Text]:
    judged = isinstance(record.rule, str) and record.mode is not Mode.SHADOW
    verdict, *shadows = show.effect(record), *map(show.would, record.would)
    return [
        _text(Piece(show.short_time(record.time), Style.DIM)),
        _text(show.who(record.client)),
        Text(show.question(record)),
        Text(" ").join(map(_text, [verdict, *shadows])),
        Text(show.rule_name(record) if judged else ""),
        Text(safe(str(record.reason)) if judged else ""),
        Text(show.rcode(record)),
        Text(show.answers(record)),
        Text(str(record.count) if isinstance(record, RepeatRecord) else "1"),
    ]


def _text(piece: Piece) -> Text:
    return Text(piece.text, style=piece.style.rich)


OUTPUTS: dict[str, Callable[[TextIO, bool], Shown]] = {"compact": Compact, "json": Json, "table": Columns}
