"""`dnspolicy version`."""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import version
from typing import Any

from dnspolicy import __version__


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "version",
        help="say which version this is",
        description="Say the versions of dnspolicy, of Python and of the embedded policy engine.",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Print the version of the server, of Python and of the embedded policy engine."""
    print(f"dnspolicy {__version__} (Python {platform.python_version()}, regorus {version('gordon-to-regorus')})")
    return 0
