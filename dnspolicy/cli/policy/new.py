"""`dnspolicy policy new`: a folder with a policy, its tests and its page, to go on from."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from dnspolicy.cli.policy.starters import Template
from dnspolicy.cli.policy.templates import files
from dnspolicy.model.errors import ConfigError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WORDS = (
    *("as", "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input", "not", "null"),
    *("package", "some", "true", "with", "candidates", "decision", "lib"),
)
"""Words of Rego, and of the package that all policies share."""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "new",
        help="begin a policy",
        description="Make a folder with a policy, its tests, a page and sample data, which pass test and lint as they "
        "are. Exit code 0 when it was made, 2 when it is there already or cannot be made.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder to make; its name is that of the policy")
    parser.add_argument(
        "-t",
        "--template",
        choices=[word.value for word in Template],
        default=Template.EMPTY.value,
        help="what to begin with (default: %(default)s)",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """0 when it was made. Raises ConfigError."""
    folder: Path = args.folder
    name = folder.name
    if not _NAME.fullmatch(name) or name in _WORDS:
        raise ConfigError(
            f"{folder}: a policy cannot be called {name!r}; expected words of a-z and 0-9 with - between them"
        )
    made = files(Template(args.template), name)
    try:
        folder.mkdir(parents=True)
        for path, text in made.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise ConfigError(f"{folder}: is there already; nothing was written") from None
    except OSError as problem:
        raise ConfigError(f"{folder}: cannot be made: {problem.strerror}") from None
    for path in made:
        print(folder / path)
    print(f"\nnext: dnspolicy policy test {folder}")
    return 0
