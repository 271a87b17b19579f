"""Records as text for people. Records are untrusted: nothing that does not print goes out as it is. Pure."""

from __future__ import annotations

from enum import Enum

import msgspec

from dnspolicy.audit.record import (
    Client,
    Effect,
    Line,
    LostRecord,
    QueryRecord,
    RepeatRecord,
    StartRecord,
    Would,
)
from dnspolicy.model.identity import ClientKind
from dnspolicy.model.verdict import Mode, Origin


class Style(Enum):
    """What a piece of text is, for colouring. Values are ANSI SGR parameters, and styles as rich names them."""

    PLAIN = ("", "")
    DIM = ("2", "dim")
    ALLOW = ("32", "green")
    BLOCK = ("1;31", "bold red")
    REWRITE = ("33", "yellow")
    REDIRECT = ("36", "cyan")
    SHADOW = ("35", "magenta")
    LOUD = ("1;37;41", "bold white on red")
    FAILURE = ("31", "red")

    @property
    def ansi(self) -> str:
        return self.value[0]

    @property
    def rich(self) -> str:
        return self.value[1]


class Piece(msgspec.Struct, frozen=True):
    """Printable text in one style."""

    text: str
    style: Style = Style.PLAIN


_EFFECTS = {
    Effect.ALLOW: Style.ALLOW,
    Effect.BLOCK: Style.BLOCK,
    Effect.REWRITE: Style.REWRITE,
    Effect.REDIRECT: Style.REDIRECT,
    Effect.NONE: Style.DIM,
}


def safe(text: str) -> str:
    """The text with everything that does not print, or changes direction, as an escape (`\\x1b`, `\\u202e`)."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def painted(pieces: list[Piece], *, colour: bool) -> str:
    """One line of text, with ANSI colours or without."""
    if not colour:
        return " ".join(p.text for p in pieces)
    return " ".join(f"\x1b[{p.style.ansi}m{p.text}\x1b[0m" if p.style.ansi else p.text for p in pieces)


def compact(line: Line) -> list[Piece]:
    """One record on one line: time, client, question, verdict, rule, reason, response code, answers."""
    when = Piece(short_time(line.time), Style.DIM)
    if isinstance(line, QueryRecord):
        return [when, who(line.client), Piece(question(line)), *verdict(line), *outcome(line)]
    if isinstance(line, LostRecord):
        return [when, lost(line)]
    if isinstance(line, StartRecord):
        return [when, *_start(line)]
    return [when, Piece(f"--- stop {safe(line.instance)} ---", Style.DIM)]


def short_time(text: str) -> str:
    """`2026-01-31T12:00:00.123Z`."""
    return safe(text[:23]) + "Z"


def who(client: Client) -> Piece:
    """`namespace/pod`, or the kind of client with its address."""
    if client.kind is ClientKind.POD and client.pod is not None:
        return Piece(safe(f"{client.namespace}/{client.pod}"))
    return Piece(
        safe(f"{client.kind.value}({client.ip})"), Style.DIM if client.kind is ClientKind.HOST else Style.PLAIN
    )


def question(record: QueryRecord) -> str:
    """`name TYPE`, with the class unless it is IN, and the name resolved instead."""
    asked = record.question
    text = f"{asked.name} {asked.type}" if asked.class_ == "IN" else f"{asked.name} {asked.class_} {asked.type}"
    return safe(text if record.resolved is None else f"{text} (as {record.resolved})")


def verdict(record: QueryRecord) -> list[Piece]:
    """Verdict, rule, reason, and what rules in shadow would have done."""
    pieces = [effect(record)]
    if isinstance(record.rule, str) and record.mode is not Mode.SHADOW:
        pieces.append(Piece(safe(f'{rule_name(record)} "{record.reason}"')))
    return pieces + [would(w) for w in record.would]


def effect(record: QueryRecord) -> Piece:
    """The verdict, and what it turned the answer to."""
    word = record.verdict.value
    if record.as_ is not None:
        word += f" as {record.as_.value}"
    if record.to:
        word += f" to {','.join(record.to)}"
    return Piece(safe(word), _EFFECTS[record.verdict])


def rule_name(record: QueryRecord) -> str:
    """The rule, with where the verdict comes from unless that is the policy."""
    origin = record.origin
    return safe(str(record.rule) if origin in (None, Origin.POLICY) else f"{origin.value}:{record.rule}")


def would(shadow: Would) -> Piece:
    """Not in force, and drawn so."""
    who = "candidate would" if shadow.candidate else "would"
    return Piece(safe(f'[{who} {shadow.verdict.value}: {shadow.rule} "{shadow.reason}"]'), Style.SHADOW)


def outcome(record: QueryRecord) -> list[Piece]:
    """Response code, answers, failure, and how often it was asked."""
    pieces = [Piece(rcode(record))]
    if record.answers:
        pieces.append(Piece(answers(record)))
    if record.failure:
        pieces.append(Piece(safe(f"failure: {record.failure}"), Style.FAILURE))
    if isinstance(record, RepeatRecord):
        pieces.append(Piece(f"×{record.count}", Style.DIM))  # noqa: RUF001 the sign for times
    return pieces


def rcode(record: QueryRecord) -> str:
    """The response code; `dropped` when there was no reply."""
    return "dropped" if record.rcode is None else safe(record.rcode)


def answers(record: QueryRecord) -> str:
    """The data of the answer's records; at most eight of them."""
    shown = [safe(a.data) for a in record.answers[:8]]
    more = len(record.answers) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def lost(record: LostRecord) -> Piece:
    queries = "" if record.queries == record.count else f" of {record.queries} queries"
    return Piece(
        f"!!! {record.count} RECORDS{queries} LOST between {short_time(record.first)} and {short_time(record.last)}: "
        f"{record.reason.value} !!!",
        Style.LOUD,
    )


def gap(count: int) -> Piece:
    """Records that are missing without a word."""
    return Piece(f"!!! {count} RECORDS MISSING HERE, not announced by the server !!!", Style.LOUD)


def _start(record: StartRecord) -> list[Piece]:
    pieces = [Piece(safe(f"--- start {record.instance} {record.program}, level {record.level.value} ---"), Style.DIM)]
    if record.interrupted:
        text = "!!! the server that wrote before ended without a stop: its last records may be missing !!!"
        pieces.append(Piece(text, Style.LOUD))
    return pieces
