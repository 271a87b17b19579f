"""`dnspolicy serve`: answer until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvloop

from dnspolicy import __version__
from dnspolicy.app.app import App
from dnspolicy.app.parts import Write
from dnspolicy.app.plan import Plan
from dnspolicy.app.reloader import Reloader, digest
from dnspolicy.chain.clock import SystemClock
from dnspolicy.cli.configured import add_conf, files_of_plan, plan_of
from dnspolicy.cli.output import Lines, Output, outputs
from dnspolicy.model.errors import ConfigError

GC_THRESHOLD = (100_000, 50, 50)
"""Answers make no cycles: collecting seldom costs nothing but is a tenth of the time of a query."""
LAST = 3.0
"""Seconds that threads have, once all is answered and written; one that waits for a file may wait for ever."""
LOOK = 0.2
"""Seconds between two looks whether what is waited for has come."""
_LOOKS = (signal.SIGUSR1, signal.SIGHUP)
"""What asks for a look at the Corefile."""


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
    with outputs(sys.stdout.fileno(), sys.stderr.fileno()) as (out, err):
        logging.basicConfig(level=logging.INFO, format="[%(levelname)s] %(message)s", handlers=[Lines(err)])
        well = _run(args, out, err)
    return 0 if well else 1


def _run(args: argparse.Namespace, out: Output, err: Output) -> bool:
    for number in _LOOKS:
        signal.signal(number, signal.SIG_IGN)  # the Corefile is about to be read anyway
    read = digest(files_of_plan(args))  # first: what changes while it is read is looked at again
    plan = plan_of(args)
    gc.set_threshold(*GC_THRESHOLD)
    last = threading.Timer(LAST, _leave, (args.pidfile,))
    last.daemon = True
    with _pidfile(args.pidfile):
        try:
            return uvloop.run(_serve(plan, read, args, out, err, last))
        finally:
            last.cancel()


async def _serve(
    plan: Plan, read: str, args: argparse.Namespace, out: Output, err: Output, last: threading.Timer
) -> bool:
    """Whether it ended because it was told to from outside. Then `last` runs."""
    loop = asyncio.get_running_loop()
    stop, look = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    for number in _LOOKS:
        loop.add_signal_handler(number, look.set)
    app = App(plan, clock=SystemClock(), out=out.write, err=err.say, memo=not args.no_memo)
    _count(app, out, "dnspolicy_log_lines_lost_total")
    if err is not out:
        _count(app, err, "dnspolicy_error_lines_lost_total")
    if not await _started(app, stop):
        last.start()
        return True
    reloader = Reloader(app, files=lambda: files_of_plan(args), read=lambda: plan_of(args), asked=look, in_force=read)
    await reloader.start()
    gc.collect()
    gc.freeze()
    greeting = asyncio.create_task(_greet(app, err.say), name="greeting") if not args.quiet else None
    halt = app.parts.halt
    await _first(stop, halt.asked)
    if greeting is not None:
        greeting.cancel()
    if halt.reason is not None:
        err.say(halt.reason)
    await reloader.stop()
    await app.stop()
    if halt.reason is None:
        last.start()
    return halt.reason is None


async def _started(app: App, stop: asyncio.Event) -> bool:
    """Whether it has started before it was told to stop. Raises ConfigError when it cannot."""
    starting, stopping = asyncio.create_task(app.start()), asyncio.create_task(stop.wait())
    await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if starting.done():
        await starting
        return True
    starting.cancel()
    await asyncio.wait((starting,))
    return False


def _leave(pidfile: Path | None) -> None:
    """End the process, whatever its threads still wait for."""
    if pidfile is not None:
        with suppress(OSError):
            pidfile.unlink()
    os._exit(0)


async def _greet(app: App, say: Write) -> None:
    """Say what was configured and what is waited for, and when nothing is, that the server is ready."""
    for line in app.announcement():
        say(line)
    called = f"dnspolicy {__version__}"
    if missing := app.missing():
        say(f"{called} is not ready yet: {'; '.join(missing)}")
    while app.missing():  # noqa: ASYNC110 rooms say whether they are ready, not when
        await asyncio.sleep(LOOK)
    say(f"{called} is ready")


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


def _count(app: App, output: Output, name: str) -> None:
    """Lines that were taken and could not be written count like those that were not taken."""
    lost = app.parts.metrics.counter(name, "Lines that were not written.")
    app.parts.metrics.before_collect(lambda: lost.inc(amount=output.lost()))
