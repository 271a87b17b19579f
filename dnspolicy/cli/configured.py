"""What `serve`, `check` and `explain` share: the Corefile they are given."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from dnspolicy.app.plan import Plan
from dnspolicy.app.reading import files_of, read_plan


def add_conf(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--conf", type=Path, default=Path("Corefile"), metavar="FILE", help="the Corefile (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        type=port,
        default=53,
        metavar="N",
        help="port of server blocks that name none (default: %(default)s)",
    )


def port(text: str) -> int:
    """A port of the command line."""
    if not (text.isascii() and text.isdigit() and int(text[:6]) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; expected a number from 0 to 65535")
    return int(text)


def whole(text: str) -> int:
    """A number of things, on the command line."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number; expected 0 or more")
    return int(text)


def plan_of(args: argparse.Namespace) -> Plan:
    """The plan of the Corefile that was named. Raises ConfigError with all complaints."""
    return read_plan(args.conf, os.environ, args.port)


def files_of_plan(args: argparse.Namespace) -> tuple[Path, ...]:
    """The Corefile that was named and all it imports now."""
    return files_of(args.conf, os.environ)
