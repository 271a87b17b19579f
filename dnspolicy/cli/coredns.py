"""The command line of CoreDNS, as the Deployment of a cluster has it: `-conf /etc/coredns/Corefile`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from dnspolicy.app.directives import DIRECTIVES
from dnspolicy.cli import serve, version
from dnspolicy.cli.configured import port

_SWITCHES = {"quiet": "say nothing at the start", "version": "show the version", "plugins": "list the plugins"}
_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))


def is_meant(arguments: Sequence[str]) -> bool:
    """Whether these are CoreDNS's words: options without a command, other than the one for help."""
    return bool(arguments) and arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")


def run(arguments: Sequence[str]) -> int:
    """Serve, or say what `-version` and `-plugins` ask for. Raises ConfigError when it cannot start."""
    args = parser().parse_args(list(_without_values(arguments)))
    if args.version:
        return version.run(args)
    if args.plugins:
        print("\n".join(f"dns.{name}" for name in sorted(DIRECTIVES)))
        return 0
    return serve.run(args)


def _without_values(arguments: Sequence[str]) -> Iterator[str]:
    """`-quiet=true` is `-quiet` and `-quiet=false` is nothing; values that Go takes for neither stay, to be refused."""
    for word in arguments:
        option, _, value = word.partition("=")
        if option.lstrip("-") not in _SWITCHES or value not in _TRUE | _FALSE:
            yield word
        elif value in _TRUE:
            yield option


def parser() -> argparse.ArgumentParser:
    """Go's way of writing options: one dash or two, `-conf FILE` or `-conf=FILE`."""
    made = argparse.ArgumentParser(
        prog="dnspolicy", description="CoreDNS's options, for its container arguments.", allow_abbrev=False
    )
    made.add_argument("-conf", "--conf", type=Path, default=Path("Corefile"), metavar="FILE", help="the Corefile")
    made.add_argument(
        "-dns.port", "--dns.port", "-p", "--p", dest="port", type=port, default=53, metavar="N",
        help="port of server blocks that name none",
    )  # fmt: skip
    made.add_argument("-pidfile", "--pidfile", type=Path, metavar="FILE", help="write the process id there")
    for name, text in _SWITCHES.items():
        made.add_argument(f"-{name}", f"--{name}", action="store_true", help=text)
    made.set_defaults(no_memo=False)
    return made
