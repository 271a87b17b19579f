"""The command `dnspolicy`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from dnspolicy.cli import check, coredns, explain, migrate, observe, pdp, play, policy, serve, version
from dnspolicy.model.errors import DnsPolicyError

COMMANDS = (serve, check, explain, play, observe, policy, migrate, pdp, version)
USAGE = 2
"""Exit code of a configuration or command line that cannot be used."""


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the result is the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        if coredns.is_meant(words):
            return coredns.run(words)
        args = parser().parse_args(words)
        command = next(c for c in COMMANDS if c.__name__.endswith(f".{args.command}"))
        return int(command.run(args))
    except DnsPolicyError as problem:
        print(problem, file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # whoever read the output has enough; what is left must not fail at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
