"""`dnspolicy serve`: answer until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvloop

from dnspolicy import __version__
from dnspolicy.app.app import App
from dnspolicy.app.plan import Plan
from dnspolicy.app.reloader import Reloader
from dnspolicy.chain.clock import SystemClock
from dnspolicy.cli.configured import add_conf, files_of_plan, plan_of
from dnspolicy.model.errors import ConfigError

GC_THRESHOLD = (100_000, 50, 50)
"""Answers make no cycles: collecting seldom costs nothing but is a tenth of the time of a query."""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "serve",
        help="answer DNS queries until SIGTERM",
        description="Answer DNS queries as the Corefile says, until SIGTERM or SIGINT. What the server says about "
        "itself goes to standard error, audit records to where the audit block says.",
    )
    add_conf(parser)
    parser.add_argument("--no-memo", action="store_true", help="answer every query anew, without finished answers")
    parser.add_argument("--quiet", action="store_true", help="say nothing at the start")
    parser.add_argument("--pidfile", type=Path, metavar="FILE", help="write the process id there while serving")
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve; 0 after SIGTERM or SIGINT, 1 when a room halted it. Raises ConfigError when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="[%(levelname)s] %(message)s", stream=sys.stderr)
    plan = plan_of(args)
    gc.set_threshold(*GC_THRESHOLD)
    with _pidfile(args.pidfile):
        well = uvloop.run(_serve(plan, args))
    _let_go(sys.stdout)
    return 0 if well else 1


async def _serve(plan: Plan, args: argparse.Namespace) -> bool:
    """Whether it ended because it was told to from outside."""
    loop = asyncio.get_running_loop()
    stop, look = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    for number in (signal.SIGUSR1, signal.SIGHUP):
        loop.add_signal_handler(number, look.set)
    app = App(plan, clock=SystemClock(), out=_writer(sys.stdout), err=_line(sys.stderr), memo=not args.no_memo)
    await app.start()
    reloader = Reloader(app, files=lambda: files_of_plan(args), read=lambda: plan_of(args), asked=look)
    await reloader.start()
    gc.collect()
    gc.freeze()
    say = _line(sys.stderr)
    if not args.quiet:
        for line in _greeting(app):
            say(line)
    halt = app.parts.halt
    await _first(stop, halt.asked)
    if halt.reason is not None:
        say(halt.reason)
    await reloader.stop()
    await app.stop()
    return halt.reason is None


def _greeting(app: App) -> Iterator[str]:
    yield from app.announcement()
    state = "is waiting for the cluster" if app.view.missing() else "is ready"
    yield f"dnspolicy {__version__} {state}"


@contextmanager
def _pidfile(path: Path | None) -> Iterator[None]:
    """A file with the process id while this lasts. Raises ConfigError when it cannot be written."""
    if path is None:
        yield
        return
    try:
        path.write_text(f"{os.getpid()}\n")
    except OSError as problem:
        raise ConfigError(f"cannot write the pidfile {path}: {problem.strerror}") from None
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def _writer(stream: Any) -> Any:
    """A function that writes one whole line. It raises OSError or ValueError when the reader went away."""

    def write(text: str) -> None:
        stream.write(text + "\n")
        stream.flush()

    return write


def _line(stream: Any) -> Any:
    """A function that writes one whole line, and survives a reader that went away."""
    write_or_raise = _writer(stream)

    def write(text: str) -> None:
        with suppress(OSError, ValueError):
            write_or_raise(text)

    return write


def _let_go(stream: Any) -> None:
    """Write what is left; when nobody reads it any more, forget it, or the interpreter would end with an error."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
