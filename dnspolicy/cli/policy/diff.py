"""`dnspolicy policy diff`: what two policies decide differently in a cluster."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec

from dnspolicy.cli.configured import whole
from dnspolicy.cli.policy.counting import table
from dnspolicy.cli.policy.judging import FAILURE, Asked, World, add_world, world
from dnspolicy.cli.policy.replay import CANNOT, CHANGES, FAIL_ON, change, fails
from dnspolicy.cluster.objects import Kind, Pod
from dnspolicy.engines.rego import ENTRYPOINT
from dnspolicy.model.errors import BadName, ConfigError, PolicyLoadError
from dnspolicy.model.name import from_text
from dnspolicy.model.query import Query
from dnspolicy.model.rr import Type, type_number
from dnspolicy.model.verdict import Phase
from dnspolicy.policy.input import PolicyInput

MOST = 1_000_000
MAX_CHARACTERS = 256 << 20
_ABOUT = """\
Ask two policies the same questions about a cluster and print where they differ. QUESTIONS is a file with a line for
each, `NAMESPACE/POD NAME [TYPE]` or `ADDRESS NAME [TYPE]`; - is standard input. With --all, each pod asks for the A
record of each service. Names are judged, answers are not. Exit code 0 when nothing differs, 1 when something does that
--fail-on names, 2 when it cannot be done or one of them fails at a question.
"""
_EXAMPLES = """\
examples:
  dnspolicy policy diff policies/old policies/new --with policies/lib --cluster cluster --all
  dnspolicy policy diff old new --conf Corefile questions.txt --fail-on opened
"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "diff",
        help="what two policies decide differently",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", type=Path, metavar="A", help="folder of the one policy")
    parser.add_argument("b", type=Path, metavar="B", help="folder of the other")
    parser.add_argument("questions", metavar="QUESTIONS", help="file with questions; - is standard input")
    parser.add_argument("--with", dest="both", nargs="+", type=Path, default=[], metavar="DIR",
                        help="folders that belong to both")  # fmt: skip
    add_world(parser)
    parser.add_argument("--all", nargs=0, action=_InsteadOfQuestions, help="all pods ask for all services")
    parser.add_argument("--most", type=whole, default=200_000, metavar="N",
                        help="questions of --all; more are refused (default: %(default)s)")  # fmt: skip
    parser.add_argument("--default", choices=("block", "allow"), default="block",
                        help="what follows when a policy says nothing (default: %(default)s)")  # fmt: skip
    parser.add_argument("--entrypoint", default=ENTRYPOINT, metavar="RULE", help="default: %(default)s")
    parser.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        default="any",
        help="what gives exit code 1; opened: to allow, closed: from it (default: %(default)s)",
    )
    parser.add_argument("-f", "--format", choices=("table", "json"), default="table", help="default: %(default)s")
    return parser


class _InsteadOfQuestions(argparse.Action):
    """Questions are required otherwise; if they were optional, they would have to stand before all options."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        namespace.all = True
        for action in parser._actions:
            if action.dest == "questions":
                action.required = False


class Question(msgspec.Struct, frozen=True):
    """One line of questions."""

    who: str
    name: str
    type: str = "A"


class Difference(msgspec.Struct, frozen=True):
    """One question that two policies answer differently."""

    change: str
    client: str
    name: str
    type: str
    rule_a: str
    rule_b: str


def run(args: argparse.Namespace) -> int:
    """0, 1 or 2, see the parser. Raises ConfigError and ManifestError."""
    found = world(args)
    if found is None or bool(args.all) == bool(args.questions):
        raise ConfigError("policy diff: give --cluster or --conf, and QUESTIONS or --all")
    try:
        sides = [Asked([*args.both, side], args.entrypoint, args.default) for side in (args.a, args.b)]
    except PolicyLoadError as problem:
        print(problem, file=sys.stderr)
        return CANNOT
    questions = list(_all(found, args.most) if args.all else _listed(args.questions))
    differences = [d for question in questions for d in _compare(question, found, *sides)]
    if args.format == "json":
        rows = [msgspec.to_builtins(difference) for difference in differences]
        print(json.dumps({"questions": len(questions), "differences": rows}, indent=2))
    else:
        print(f"{len(questions)} questions, {len(differences)} differences")
        if differences:
            rows = [(d.change, d.client, d.name, d.type, d.rule_a, d.rule_b) for d in differences]
            print("\n" + table(("CHANGE", "CLIENT", "NAME", "TYPE", "RULE OF A", "RULE OF B"), rows))
    changes = {difference.change for difference in differences}
    if any(FAILURE.upper() in key for key in changes):
        return CANNOT
    return CHANGES if fails(changes, args.fail_on) else 0


def _all(found: World, most: int) -> Iterator[Question]:
    pods = [pod for pod in found.index.held(Kind.POD) if isinstance(pod, Pod) and pod.addresses and not pod.finished]
    services = found.index.services()
    if len(pods) * len(services) > most:
        raise ConfigError(f"policy diff: {len(pods)} pods and {len(services)} services are more than --most {most}")
    zone = found.zones[0]
    for pod in sorted(pods, key=lambda pod: (pod.namespace, pod.name)):
        for service in sorted(services, key=lambda service: (service.namespace, service.name)):
            yield Question(f"{pod.namespace}/{pod.name}", f"{service.name}.{service.namespace}.svc.{zone}")


def _listed(path: str) -> Iterator[Question]:
    try:
        with ExitStack() as stack:
            file = sys.stdin if path == "-" else stack.enter_context(Path(path).open(encoding="utf-8"))
            text = file.read(MAX_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"cannot read {path}: {problem}") from None
    lines = text.split("\n")
    if len(text) > MAX_CHARACTERS or len(lines) > MOST + 1:  # what is left out would look as if nothing changed
        raise ConfigError(f"{path}: more than {MOST} lines, or {MAX_CHARACTERS} characters")
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) not in (2, 3):
            raise ConfigError(f"{path}:{number}: expected NAMESPACE/POD NAME [TYPE]")
        yield Question(*words)


def _compare(question: Question, found: World, a: Asked, b: Asked) -> Iterator[Difference]:
    try:
        name, qtype = from_text(question.name), type_number(question.type)
    except (BadName, ValueError) as problem:
        raise ConfigError(f"{question.who} {question.name} {question.type}: {problem}") from None
    client = found.index.identify(_address(question.who, found))
    for target in found.index.targets(name, found.zones, True):
        asked = PolicyInput(Phase.QUERY, client, Query(name, qtype, name), target)
        old, new = a.judge(asked), b.judge(asked)
        if old.differs(new) or new.action == FAILURE:
            shown = Type(qtype).name if qtype in set(Type) else question.type
            yield Difference(change(old, new), question.who, str(name), shown, old.rule, new.rule)


def _address(who: str, found: World) -> str:
    namespace, slash, name = who.partition("/")
    if not slash:
        try:
            return str(ip_address(who))
        except ValueError:
            raise ConfigError(f"{who}: expected NAMESPACE/POD or an address") from None
    pod = found.index.pod(namespace, name)
    if pod is None or not pod.addresses:
        raise ConfigError(f"{who}: the cluster has no such pod, or it has no address")
    return pod.addresses[0]
