"""`dnspolicy migrate firewall`: the `firewall` blocks of a Corefile as a policy with tests."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from dnspolicy.app.plan import BlockPlan
from dnspolicy.app.reading import read_plan
from dnspolicy.engines.firewall.examples import tests_of
from dnspolicy.engines.firewall.migrate import to_rego
from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins import firewall

POLICY, TESTS = "policy.rego", "policy_test.rego"


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser("migrate", help="bring over what other servers call policy")
    commands = parser.add_subparsers(dest="migrate_command", required=True, metavar="COMMAND")
    made = commands.add_parser(
        "firewall",
        help="write firewall blocks as a policy in Rego",
        description="Write the firewall blocks of a server block as a policy that decides the same, with a test for "
        "every rule that some question gets to. Exit code 0, or 2 when something has no counterpart in a policy.",
    )
    made.add_argument("corefile", type=Path, metavar="FILE", help="a Corefile with firewall blocks")
    made.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="a new folder for it; without one, the policy is printed",
    )
    made.add_argument("--zone", metavar="ZONE", help="the server block, where several have firewall blocks")
    return parser


def run(args: argparse.Namespace) -> int:
    """0; ConfigError for what cannot be written as a policy."""
    lists = tuple(lines.rules() for lines in _block(args).all(firewall.Config))
    try:
        policy, tests = to_rego(lists), tests_of(lists)
    except ValueError as problem:
        raise ConfigError(f"{args.corefile}: {problem}") from None
    if args.output is None:
        sys.stdout.write(policy)
        return 0
    try:
        args.output.mkdir(parents=True)
        (args.output / POLICY).write_text(policy)
        (args.output / TESTS).write_text(tests)
    except OSError as problem:
        raise ConfigError(f"{args.output}: {problem.strerror or problem}") from None
    print(f"{args.output / POLICY}: {sum(len(each.rules) for each in lists)} rules")
    print(f"{args.output / TESTS}: {tests.count(chr(10) + 'test_')} tests; dnspolicy policy test {args.output}")
    return 0


def _block(args: argparse.Namespace) -> BlockPlan:
    """The one server block that is meant. Raises ConfigError."""
    blocks = [block for block in read_plan(args.corefile, {}).blocks if block.all(firewall.Config)]
    if args.zone is not None:
        wanted = args.zone.lower().rstrip(".")
        blocks = [block for block in blocks if wanted in (str(zone).rstrip(".") for zone in block.zones)]
    if not blocks:
        raise ConfigError(f"{args.corefile}: no firewall block{f' for {args.zone}' if args.zone else ''}")
    if len(blocks) > 1:
        zones = ", ".join(zone.dotted for block in blocks for zone in block.zones)
        raise ConfigError(f"{args.corefile}: several server blocks have firewall blocks; choose with --zone: {zones}")
    return blocks[0]
