"""`dnspolicy policy push`: give policies and data to an Open Policy Agent."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnspolicy.engines.opa.credentials import Files
from dnspolicy.model.errors import ConfigError, EngineUnavailable, PolicyLoadError
from dnspolicy.policy.settings.opa import Address, parse

NOT_LOADED = 1
NOT_ASKED = 2


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "push",
        help="give policies and data to an OPA",
        description="Put the policies and data of the folders into an OPA, take away what an earlier push with the "
        "same prefix put there and is gone, and list what changed. Exit code 0 when OPA has them, 1 when it refuses "
        "one or a folder cannot be read, 2 when OPA cannot be asked.",
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="folder with policies and data")
    parser.add_argument(
        "--to", required=True, type=_address, metavar="URL", help="http://HOST:PORT, https://HOST:PORT or unix:///PATH"
    )
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="bearer token")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="certificates of who vouches for OPA")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="certificate shown to OPA")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its key")
    parser.add_argument(
        "--prefix", type=_prefix, default="dnspolicy", metavar="NAME", help="begins the ids (default: %(default)s)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only list what would change")
    return parser


def _address(text: str) -> Address:
    try:
        return parse(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _prefix(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise argparse.ArgumentTypeError("letters, digits, _ and -, at most 64")
    return text


def run(args: argparse.Namespace) -> int:
    """0, 1 or 2, see the parser."""
    from dnspolicy.engines.opa.admin import Admin, Refused  # half a second and 20 MB, which only this needs
    from dnspolicy.engines.opa.pushing import push, wanted

    if (args.cert is None) != (args.key is None):
        return _failed("--cert and --key go together", NOT_ASKED)
    files = Files(args.token_file, args.ca, args.cert, args.key, tls=args.to.tls)
    want = None
    try:
        want = wanted(args.folders, args.prefix)
        admin = Admin(args.to, files)
        try:
            changes = push(admin, want, args.prefix, only_show=args.dry_run)
        finally:
            admin.close()
    except PolicyLoadError as problem:
        return _failed(str(problem), NOT_LOADED)
    except (ConfigError, EngineUnavailable) as problem:
        return _failed(str(problem), NOT_ASKED)
    except Refused as problem:
        for error in problem.errors:
            print(_line(error, want.files if want is not None else {}), file=sys.stderr)
        return _failed(str(problem), NOT_LOADED)
    for change in changes:
        print(change.sign, change.what)
    would = " would have to change" if args.dry_run else " changed"
    print(f"revision {want.revision}: {len(changes)}{would}" if changes else f"revision {want.revision}: nothing new")
    return 0


def _line(error: tuple[str, int, int, str], files: Mapping[str, str]) -> str:
    """`file:line:column: text`, with the name that the file has here."""
    name, row, column, text = error
    return f"{files.get(name, name)}:{row}:{column}: {text}"


def _failed(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code
