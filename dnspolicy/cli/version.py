"""`dnspolicy version`."""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import version
from typing import Any

from dnspolicy import __version__
from dnspolicy.engines.rego.binding import Binding, preferred


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "version",
        help="say which version this is",
        description="Say the versions of dnspolicy, of Python and of the embedded policy engine.",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Print the version of the server, of Python and of the embedded policy engine."""
    native = preferred() is Binding.NATIVE
    engine = f"native engine {version('dnspolicy-native')}" if native else f"regorus {version('gordon-to-regorus')}"
    print(f"dnspolicy {__version__} (Python {platform.python_version()}, {engine})")
    return 0
