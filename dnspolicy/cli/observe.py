"""`dnspolicy observe`: read, follow and filter the audit stream."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import msgspec

from dnspolicy.audit.filter import BadFilter, Filter, Key, Term, moment, term
from dnspolicy.audit.reader import Sequence, follow_lines, read_lines
from dnspolicy.audit.record import BadRecord, Line, decode
from dnspolicy.cli.observe_output import OUTPUTS, Found, Gap, Item, Shown, say

_LOOK = 0.2
"""Seconds between two looks at a file that is followed."""

_FILTERS = {
    Key.VERDICT: ("VERDICT", "allow, block, rewrite, redirect or none"),
    Key.WOULD: ("VERDICT", "what a rule in shadow would have done"),
    Key.MODE: ("MODE", "enforce: the verdict was in force; shadow: rules in shadow had something to say"),
    Key.RULE: ("GLOB", "rule that decided, or would have in shadow"),
    Key.ORIGIN: ("ORIGIN", "policy, default or failure"),
    Key.PHASE: ("PHASE", "query or response"),
    Key.NAMESPACE: ("GLOB", "namespace of the client"),
    Key.POD: ("GLOB", "pod of the client: POD or NAMESPACE/POD"),
    Key.KIND: ("KIND", "kind of client: pod, host, external, ambiguous or unknown"),
    Key.IP: ("ADDRESS", "address of the client, or a network such as 10.0.0.0/8"),
    Key.NAME: ("GLOB", "name asked for or resolved instead: *.example.com, api.*.svc.cluster.local"),
    Key.TYPE: ("TYPE", "type asked for: A, AAAA, TYPE65 …"),
    Key.RCODE: ("RCODE", "response code: NOERROR, NXDOMAIN, SERVFAIL …"),
}

_ABOUT = """\
Show the audit records of a file, or of standard input.

Filters of one kind are alternatives, filters of different kinds must all hold, and --not turns the next
filter round. A GLOB matches the whole text: * is any text (dots too), ? one character. Letter case does
not count. Records that were lost are always shown.
"""

_EXAMPLES = """\
examples:
  dnspolicy observe audit.jsonl --verdict block --since 1h
  dnspolicy observe -f audit.jsonl --namespace shop --not --name '*.svc.cluster.local'
  kubectl -n kube-system logs deploy/dnspolicy | dnspolicy observe --pod 'shop/web-*' --last 20
  dnspolicy observe audit.jsonl --mode shadow --would block -o table
  dnspolicy observe audit.jsonl --rule 'tenant/*' -o json | jq .client.pod
"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the command to `subparsers` (what `ArgumentParser.add_subparsers` returns)."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "observe", help="show, follow and filter audit records", description=_ABOUT, epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("file", nargs="?", metavar="FILE", help="audit file; - or nothing is standard input")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with records as they are written")
    parser.add_argument("-o", "--output", choices=sorted(OUTPUTS), default="compact", help="default: compact")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto",
                        help="auto: on a terminal, unless NO_COLOR is set")  # fmt: skip
    span = parser.add_argument_group("span")
    ends = span.add_mutually_exclusive_group()
    ends.add_argument("--first", type=_count, metavar="N", help="the first N records that match")
    ends.add_argument("--last", type=_count, metavar="N", help="the last N records that match")
    span.add_argument("--since", type=_moment, metavar="TIME", help="a duration ago (5m, 1h30m) or RFC 3339")
    span.add_argument("--until", type=_moment, metavar="TIME", help="likewise")
    filters = parser.add_argument_group("filters")
    filters.add_argument("--not", dest="terms", action=_Not, nargs=0, help="leave out what the next filter finds")
    for key, (metavar, help_text) in _FILTERS.items():
        filters.add_argument(f"--{key.value}", dest="terms", action=_AddTerm, metavar=metavar, help=help_text)
    parser.set_defaults(run=run, terms=(), negate=False)
    return parser


class _Not(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        if namespace.negate:
            raise argparse.ArgumentError(self, "given twice before one filter")
        namespace.negate = True


class _AddTerm(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        assert option_string is not None
        try:
            made = term(Key(option_string.removeprefix("--")), values, negated=namespace.negate)
        except BadFilter as problem:
            raise argparse.ArgumentError(self, str(problem)) from None
        namespace.terms, namespace.negate = (*namespace.terms, made), False


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of records from 1 on")
    return int(text)


def _moment(text: str) -> str:
    try:
        return moment(text, time.time())
    except BadFilter as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


class Request(msgspec.Struct, frozen=True):
    """What the command line asks for."""

    file: Path | None
    follow: bool
    filter: Filter
    output: str
    color: str
    first: int | None = None
    last: int | None = None


def run(args: argparse.Namespace) -> int:
    """Run the command; the result is the exit status: 0, 1 when reading failed half-way, 2 when it was misused."""
    try:
        request = _request(args)
    except BadFilter as problem:
        say(sys.stderr, f"dnspolicy observe: {problem}")
        return 2
    try:
        return _observe(request, sys.stdout, sys.stderr)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        _forget_output()
        return 0


def _request(args: argparse.Namespace) -> Request:
    """Raises BadFilter when options do not go together."""
    if args.negate:
        raise BadFilter("--not needs a filter behind it")
    terms: tuple[Term, ...] = args.terms
    file = None if args.file in (None, "-") else Path(args.file)
    if args.file is None and sys.stdin.isatty():
        raise BadFilter("give a FILE, or pipe records in")
    if args.output == "table" and args.follow:
        raise BadFilter("a table needs an end; use -o compact or -o json with --follow")
    return Request(
        file, args.follow and file is not None, Filter(terms, args.since, args.until), args.output, args.color,
        args.first, args.last,
    )  # fmt: skip


def _observe(request: Request, out: TextIO, err: TextIO) -> int:
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")
    reading = _Reading(request.filter)
    shown = OUTPUTS[request.output](out, _coloured(request.color, out))
    status = 0
    try:
        items = reading.items(_lines(request))
        _show(request, items, shown)
    except BrokenPipeError:
        raise
    except OSError as problem:
        say(err, f"dnspolicy observe: cannot read {request.file or 'standard input'}: {problem.strerror}")
        status = 1 if reading.lines else 2
    finally:
        with suppress(KeyboardInterrupt):
            shown.finish()
            reading.summarise(err)
    return status


def _lines(request: Request) -> Iterator[bytes | None]:
    if request.file is None:
        yield from read_lines(sys.stdin.buffer)
    elif request.follow:
        yield from follow_lines(request.file, lambda: time.sleep(_LOOK))
    else:
        with request.file.open("rb") as file:
            yield from read_lines(file)


def _show(request: Request, items: Iterator[Item | None], shown: Shown) -> None:
    """Show items; None among them means that there is no more for now."""
    if request.last is not None:
        for last in _tail(items, request.last):
            shown.show(last)
        shown.flush()
    elif request.first is not None:
        items = _head(items, request.first)
    for item in items:
        if item is None:
            shown.flush()
        else:
            shown.show(item)


def _head(items: Iterable[Item | None], count: int) -> Iterator[Item | None]:
    for item in items:
        yield item
        count -= item is not None
        if not count:
            return


def _tail(items: Iterable[Item | None], count: int) -> deque[Item]:
    """The last items before the end, or before there is no more for now."""
    last: deque[Item] = deque(maxlen=count)
    for item in items:
        if item is None:
            break
        last.append(item)
    return last


class _Reading:
    """Lines to items, counting what cannot be read and what is missing."""

    def __init__(self, wanted: Filter) -> None:
        self.lines = 0
        self._unreadable = 0
        self._wanted = wanted
        self._sequence = Sequence()

    def items(self, lines: Iterable[bytes | None]) -> Iterator[Item | None]:
        for raw in lines:
            if raw is None:
                yield None
                continue
            self.lines += 1
            try:
                line = decode(raw)
            except BadRecord:
                self._unreadable += 1
                continue
            yield from self._wanted_of(raw, line)

    def _wanted_of(self, raw: bytes, line: Line) -> Iterator[Item]:
        missing = self._sequence.gap_before(line)
        if missing and self._wanted.in_time(line):
            yield Gap(missing)
        if self._wanted.accepts(line):
            yield Found(raw, line)

    def summarise(self, err: TextIO) -> None:
        if self._unreadable:
            say(err, f"dnspolicy observe: left out {self._unreadable} of {self.lines} lines: no audit records")
        if self._sequence.missing:
            say(err, f"dnspolicy observe: {self._sequence.missing} records are missing without a word from the server")


def _coloured(color: str, out: TextIO) -> bool:
    if color != "auto":
        return color == "always"
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _forget_output() -> None:
    """Nobody reads any more: let what is still buffered go nowhere instead of failing at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
