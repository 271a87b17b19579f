"""`dnspolicy policy fmt`: the format of `opa fmt`, by `opa` itself where it is, else of white space only."""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from dnspolicy.cli.policy.layout import whitespace
from dnspolicy.corefile.regular import NotRegular, read_regular
from dnspolicy.engines.rego import Limits
from dnspolicy.model.errors import ConfigError

DIFFERS = 2
FAILED = 1
MOST = Limits().policy_bytes
NEWLINE = b"\n"
LINES = 20
"""Lines of a complaint that are shown."""
PATIENCE = 20.0
"""Seconds that `opa` has for one file."""
ONLY_SPACE = (
    "opa is not here, so only white space is looked at (tabs, ends of lines, empty lines); "
    "install it, or name it with OPA=PATH, for the whole format"
)
Format = Callable[[str], str]


class Unreadable(Exception):
    """A file that cannot be formatted."""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "fmt",
        help="format policies as opa fmt does",
        description="Print Rego files as `opa fmt` formats them. The program `opa` (1.x) does it, found by the "
        "environment variable OPA or on the PATH; without it only white space is put in order, and that is said. Exit "
        "code 0 when all is well, 2 when --check or --diff found a difference, 1 when a file cannot be read or parsed.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="Rego files, or folders with such")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="only list the files that are not formatted")
    how.add_argument("--diff", action="store_true", help="only show what would change")
    how.add_argument("--write", action="store_true", help="write the files that are not formatted, and list them")
    return parser


def run(args: argparse.Namespace) -> int:
    """0, 1 or 2, see the parser. Raises ConfigError when `$OPA` is no usable program."""
    opa = _opa()
    if opa is None:
        print(ONLY_SPACE, file=sys.stderr)
    formatted: Format = whitespace if opa is None else lambda text: _by_opa(opa, text)
    differs = failed = False
    files = list(_files(args.files))
    if not files:
        print(f"{', '.join(map(str, args.files))}: no *.rego file", file=sys.stderr)
        return FAILED
    for path in files:
        try:
            differs |= _one(path, formatted, args)
        except BrokenPipeError:
            raise
        except (OSError, Unreadable) as problem:
            failed = True
            said = problem.strerror if isinstance(problem, OSError) else problem
            print(f"{path}: {str(said).replace('stdin:', f'{path}:')}", file=sys.stderr)
    return FAILED if failed else DIFFERS if differs and (args.check or args.diff) else 0


def _one(path: Path, formatted: Format, args: argparse.Namespace) -> bool:
    """Whether a file is not formatted; shows or writes it, as asked."""
    old = _text(path)
    new = formatted(old)
    if not (args.check or args.diff or args.write):
        print(new, end="")
    elif new != old and args.diff:
        lines = difflib.unified_diff(
            old.splitlines(keepends=True), new.splitlines(keepends=True), str(path), f"{path} (formatted)"
        )
        print("".join(line if line.endswith("\n") else f"{line}\n\\ no newline at the end\n" for line in lines), end="")
    elif new != old:
        print(path)
        if args.write:
            _write(path, new)
    return new != old


def _text(path: Path) -> str:
    """What is in a file. Raises OSError, and Unreadable for what is no policy."""
    try:
        raw = read_regular(path, MOST).raw
    except NotRegular as problem:
        raise Unreadable(str(problem)) from None
    if len(raw) > MOST:
        raise Unreadable(f"longer than {MOST} bytes; split it")
    try:
        return raw.decode()
    except UnicodeDecodeError as problem:
        raise Unreadable(f"not UTF-8, in line {raw[: problem.start].count(NEWLINE) + 1}") from None


def _write(path: Path, text: str) -> None:
    """Replace a file as a whole: a server that watches it never sees half of it."""
    real = path.resolve()
    beside = real.with_name(f".{real.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        shutil.copymode(real, beside)
        beside.replace(real)
    finally:
        beside.unlink(missing_ok=True)


def _files(given: Iterable[Path]) -> Iterator[Path]:
    """The files to format: those given, and those below a folder."""
    for path in given:
        if path.is_dir():
            below = [p.relative_to(path) for p in sorted(path.rglob("*.rego"))]
            yield from (path / p for p in below if not any(step.startswith(".") for step in p.parts))
        else:
            yield path


def _opa() -> str | None:
    """The program, version 1 or later; None when there is none."""
    named = os.environ.get("OPA")
    found = shutil.which(named or "opa")
    if named and found is None:
        raise ConfigError(f"OPA={named}: no such program")
    if found is None:
        return None
    try:
        said = subprocess.run([found, "version"], capture_output=True, text=True, timeout=PATIENCE, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise ConfigError(f"{found}: cannot be run: {problem}") from None
    if not said.startswith("Version: ") or said.startswith("Version: 0."):
        if named:
            raise ConfigError(f"OPA={named}: not an opa of version 1 or later")
        return None
    return found


def _by_opa(opa: str, text: str) -> str:
    """Raises Unreadable with what `opa` complains of."""
    try:
        done = subprocess.run([opa, "fmt"], input=text.encode(), capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise Unreadable(f"opa took longer than {PATIENCE:g} s to format it") from None
    except OSError as problem:
        raise Unreadable(f"opa did not format it: {problem}") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()[:LINES]
        raise Unreadable("\n".join(said) or f"opa ended with code {done.returncode}")
    return done.stdout.decode()
