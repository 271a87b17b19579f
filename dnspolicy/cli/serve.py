"""`dnspolicy serve`: answer until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from contextlib import suppress
from typing import Any

import uvloop

from dnspolicy import __version__
from dnspolicy.app.app import App
from dnspolicy.app.plan import Plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.cli.configured import add_conf, plan_of

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
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve; 0 after SIGTERM or SIGINT. Raises ConfigError when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="[%(levelname)s] %(message)s", stream=sys.stderr)
    plan = plan_of(args)
    gc.set_threshold(*GC_THRESHOLD)
    uvloop.run(_serve(plan, memo=not args.no_memo))
    _let_go(sys.stdout)
    return 0


async def _serve(plan: Plan, memo: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = App(plan, clock=SystemClock(), out=_line(sys.stdout), err=_line(sys.stderr), memo=memo)
    await app.start()
    gc.collect()
    gc.freeze()
    say = _line(sys.stderr)
    for line in app.announcement():
        say(line)
    say(
        f"dnspolicy {__version__} is ready"
        if not app.view.missing()
        else f"dnspolicy {__version__} is waiting for the cluster"
    )
    await stop.wait()
    await app.stop()


def _line(stream: Any) -> Any:
    """A function that writes one whole line, and survives a reader that went away."""

    def write(text: str) -> None:
        with suppress(OSError, ValueError):
            stream.write(text + "\n")
            stream.flush()

    return write


def _let_go(stream: Any) -> None:
    """Write what is left; when nobody reads it any more, forget it, or the interpreter would end with an error."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
