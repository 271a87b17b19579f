"""`dnspolicy check`: say what is wrong with a configuration, without starting."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from dnspolicy.app.app import App
from dnspolicy.app.plan import Plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.cli.configured import add_conf, plan_of


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "check", help="check a Corefile, its policies and its cluster folder"
    )
    add_conf(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """0 when all is well, 2 with every complaint on standard error."""
    plan = plan_of(args)
    problems, summary = asyncio.run(_check(plan))
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 2
    print(f"{args.conf}: {summary}")
    return 0


async def _check(plan: Plan) -> tuple[list[str], str]:
    app = App(plan, clock=SystemClock(), out=print, err=print)
    problems = [c for s in app.parts.sources.values() if s.manifests is not None for c in s.manifests.complaints()]
    return problems, "; ".join(app.announcement())
