"""How the demo prints."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dnspolicy.audit.record import Effect, QueryRecord
from dnspolicy.model.query import Transport
from dnspolicy.model.rr import rcode_text
from dnspolicy.wire import rdata
from dnspolicy.wire.message import Response
from examples.quickstart.questions import Question

COLOURS = {
    Effect.ALLOW: "green",
    Effect.BLOCK: "bold red",
    Effect.REWRITE: "yellow",
    Effect.REDIRECT: "cyan",
    Effect.NONE: "dim",
}
_WIDE, _WIDEST = 135, 140
_WHO, _VERDICT, _RULE, _ANSWER = 20, 8, 18, 16
_QUESTION = 45
"""Widths (characters). Reason gets what is left; a page that is not wide has two lines for each question."""


class Row(msgspec.Struct, frozen=True):
    """One question, its answer, and what the server recorded."""

    question: Question
    response: Response | None
    record: QueryRecord | None


def console() -> Console:
    """Colours and the width of the terminal, within reason; without a terminal plain text."""
    if not sys.stdout.isatty():
        return Console(width=_WIDEST, color_system=None, highlight=False, markup=False)
    width = min(Console().width, _WIDEST)
    return Console(width=width, no_color="NO_COLOR" in os.environ, highlight=False, markup=False)


def theme(to: Console, title: str, rows: Iterable[Row], *, header: bool) -> None:
    """A title and its rows."""
    to.print(Text(f"\n{title}", style="bold"))
    if to.width >= _WIDE:
        _table(to, rows, header)
    else:
        _pairs(to, rows)


def _table(to: Console, rows: Iterable[Row], header: bool) -> None:
    reason = to.width - _WHO - _QUESTION - _VERDICT - _RULE - _ANSWER - 5
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=header, header_style="dim")
    columns = {
        "who asks": _WHO, "question": _QUESTION, "verdict": _VERDICT, "rule": _RULE, "reason": reason,
        "answer": _ANSWER,
    }  # fmt: skip
    for name, width in columns.items():
        table.add_column(name, width=width, overflow="fold")
    for row in rows:
        *cells, why, answer = _cells(row)
        table.add_row(*cells, _at_dots(why, reason), _at_dots(answer, _ANSWER))
    to.print(table)


def _pairs(to: Console, rows: Iterable[Row]) -> None:
    """Who asked what, and below it what came of it."""
    for who, asked, verdict, rule, reason, answer in map(_cells, rows):
        who.pad_right(_WHO - len(who))
        verdict.pad_right(_VERDICT - len(verdict))
        to.print(Text(" ").join((who, asked)), soft_wrap=True)
        got = Text(", ").join(answer.split("\n"))
        got.pad_right(_ANSWER - len(got))
        outcome = Text.assemble(verdict, " ", got, " ", rule, ": ", reason)
        to.print(Padding(outcome, (0, 0, 0, 4)))


def _at_dots(text: Text, width: int) -> Text:
    """Names that are longer than `width` broken after a dot instead of anywhere."""
    broken = text.copy()
    for word in reversed(list(re.finditer(r"\S+", text.plain))):
        start, end = word.span()
        breaks = []
        while end - start > width and (dot := text.plain.rfind(".", start, start + width)) >= start:
            start = dot + 1
            breaks.append(start)
        for place in reversed(breaks):
            broken = Text.assemble(broken[:place], "\n", broken[place:])
    return broken


def _cells(row: Row) -> tuple[Text, ...]:
    over_tcp = " over TCP" if row.question.transport is Transport.TCP else ""
    asked = Text.assemble((f"{row.question.type} ", "dim"), row.question.name, (over_tcp, "dim"))
    if row.record is None:
        return (Text(row.question.source), asked, Text("?"), Text("no record"), Text(""), _answer(row.response))
    record = row.record
    verdict = Text(record.verdict, style=COLOURS[record.verdict])
    rule, reason = Text(str(record.rule or "")), Text(str(record.reason or ""))
    if record.verdict is Effect.REWRITE:
        reason.append(f" (it is {', '.join(record.to)})", style="dim")
    if (culprit := _culprit(record)) is not None:
        reason.append(f" (leads to {culprit})", style="dim")
    for would_rule, would in dict.fromkeys((would.rule, would.verdict) for would in record.would):
        reason.append(f"\nin shadow, {would_rule} would {would}", style="magenta")
    return (_who(record), asked, verdict, rule, reason, _answer(row.response))


def _culprit(record: QueryRecord) -> str | None:
    """The name that was blocked, when it is not the one that was asked for but one that came of it."""
    if record.verdict is not Effect.BLOCK:
        return None
    blocked = [judged.name for judged in record.judged if judged.rule == record.rule]
    return blocked[0] if blocked and blocked[0] != record.question.name else None


def _who(record: QueryRecord) -> Text:
    client = record.client
    if client.pod is not None:
        return Text(f"{client.namespace}/{client.pod}")
    return Text(f"{client.kind} {client.node or client.ip}", style="italic")


def _answer(response: Response | None) -> Text:
    if response is None:
        return Text("no answer", style="dim")
    data = [rdata.text(record) for record in response.answer]
    if data:
        return Text("\n".join(data))
    return Text("nothing of this type" if response.rcode == 0 else rcode_text(response.rcode), style="dim")


def command(to: Console, words: str) -> None:
    """A command that is run, as one would type it."""
    to.print(Text.assemble(("$ ", "dim"), (words, "bold")), soft_wrap=True)


def note(to: Console, text: str) -> None:
    to.print(Text(f"\n{text}"))
