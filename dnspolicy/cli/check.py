"""`dnspolicy check`: say what is wrong with a configuration, without starting."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from typing import Any

from dnspolicy.app.app import App
from dnspolicy.app.parts import Unreached, Use
from dnspolicy.app.plan import Plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.cli.configured import add_conf, plan_of


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "check",
        help="check a Corefile, its policies and its cluster folder",
        description="Say everything that is wrong with a Corefile and what it names, with file, line and column, "
        "without listening anywhere. Exit code 0 when all is well, 2 when something is wrong.",
    )
    add_conf(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """0 when all is well, 2 with every complaint on standard error."""
    plan = plan_of(args)
    logging.getLogger("dnspolicy.cluster").addHandler(logging.NullHandler())  # the same complaints are printed below
    problems, summary = asyncio.run(_check(plan))
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 2
    for line in summary:
        print(f"{args.conf}: {line}")
    return 0


async def _check(plan: Plan) -> tuple[list[str], list[str]]:
    app = App(plan, clock=SystemClock(), out=print, err=print, use=Use.CHECK)
    problems = [complaint for source in app.parts.sources.values() for complaint in source.complaints()]
    remarks = [
        "kubernetes: the API server of the cluster it runs in; this is no pod of one, so nothing was looked at there"
        for source in app.parts.sources.values()
        if isinstance(source, Unreached)
    ]
    return problems, app.announcement() + remarks
