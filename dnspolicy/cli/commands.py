"""All commands, and the whole command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from dnspolicy.cli import check, coredns, explain, migrate, observe, pdp, play, policy, serve, version

COMMANDS = (serve, check, explain, play, observe, policy, migrate, pdp, version)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    made = argparse.ArgumentParser(
        prog="dnspolicy",
        description="The DNS server of a Kubernetes cluster that knows who is asking.",
        epilog="The options of CoreDNS work without a command: -conf, -dns.port, -quiet, -pidfile, -version, -plugins.",
    )
    subparsers = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    return made


def run(words: Sequence[str]) -> int:
    """Run one command; the result is the exit code. Raises DnsPolicyError when it cannot be run."""
    if coredns.is_meant(words):
        return coredns.run(words)
    args = parser().parse_args(words)
    command = next(c for c in COMMANDS if c.__name__.endswith(f".{args.command}"))
    return int(command.run(args))
