"""`dnspolicy policy COMMAND`: work on policies. One module per command."""

from __future__ import annotations

import argparse
from typing import Any

from dnspolicy.cli.policy import bundle, cost, diff, fmt, lint, new, push, replay, shadow_report, test

COMMANDS = (new, fmt, lint, test, cost, bundle, push, diff, replay, shadow_report)
"""In the order of the help. Each has `add_parser(subparsers)` and `run(args)`, which gives the exit code.

A module named `shadow_report` is the command `shadow-report`.
"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser("policy", help="work on policies")
    commands = parser.add_subparsers(dest="policy_command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def run(args: argparse.Namespace) -> int:
    """Run the command that was named; the result is the exit code."""
    word = args.policy_command.replace("-", "_")
    command = next(c for c in COMMANDS if c.__name__.endswith(f".{word}"))
    return int(command.run(args))
