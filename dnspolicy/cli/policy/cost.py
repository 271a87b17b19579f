"""`dnspolicy policy cost`: what a policy reads, and what that costs in a given cluster."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from logging import getLogger
from pathlib import Path
from typing import Any

import msgspec

from dnspolicy.app.app import MEMO_CAPACITY, App
from dnspolicy.app.parts import Use
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cli.configured import plan_of
from dnspolicy.cli.explain import following
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.manifests import Manifests
from dnspolicy.cluster.objects import Kind, Node, Pod
from dnspolicy.engines.rego import ENTRYPOINT, Loaded, load
from dnspolicy.engines.rego.metadata import Scope, annotations_of
from dnspolicy.model.errors import ConfigError, PolicyLoadError
from dnspolicy.model.identity import Identity
from dnspolicy.policy.classes import Classes, Share, classes, shown

NOT_LOADED = 1
ANSWER_BYTES = 3 * 1024
"""A finished answer with all that hangs on it, about."""
SHOWN = 8


class Cost(msgspec.Struct, frozen=True):
    """What is said of a policy. `cluster` is where the clients are from, empty when nobody counted them."""

    titles: tuple[str, ...]
    reads: tuple[str, ...]
    client: tuple[str, ...]
    timeless: bool
    reads_answers: bool
    reads_endpoints: bool
    cluster: str = ""
    counted: Classes | None = None


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "cost",
        help="say what policies read and how many classes of clients that makes",
        description="Say what policies read of a question, which facts make classes of clients, whether decisions can "
        "be remembered, and with --cluster or --conf how many classes a cluster has and what makes them. Exit code 0, "
        "1 when policies do not load, 2 when there is no such cluster.",
    )
    parser.add_argument("folders", nargs="+", metavar="DIR", help="folder with policies and data")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--cluster", type=Path, metavar="DIR", help="count the classes in a folder of manifests")
    where.add_argument("--conf", type=Path, metavar="FILE", help="count the classes in the cluster of a Corefile")
    parser.add_argument("-f", "--format", choices=("pretty", "json"), default="pretty", help="default: %(default)s")
    parser.add_argument(
        "--entrypoint", default=ENTRYPOINT, metavar="RULE", help="what the server asks for (default: %(default)s)"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """0 or 1. Raises ConfigError and ManifestError."""
    try:
        loaded = load(args.folders, args.entrypoint)
    except PolicyLoadError as problem:
        print(problem, file=sys.stderr)
        return NOT_LOADED
    clients: list[Identity] | None = None
    if args.cluster is not None:
        clients = _of_manifests(args.cluster)
    elif args.conf is not None:
        args.port = 53
        clients = asyncio.run(_of_corefile(args))
    cost = _cost(loaded, clients, str(args.cluster or args.conf or ""))
    if args.format == "json":
        print(json.dumps(_document(cost), indent=2, ensure_ascii=False))
    else:
        for line in _lines(cost):
            print(line)
    return 0


def _cost(loaded: Loaded, clients: list[Identity] | None, cluster: str) -> Cost:
    footprint = loaded.footprint
    facts = footprint.client_facts()
    return Cost(
        titles=tuple(_titles(loaded)),
        reads=tuple(shown(path, "input") for path in sorted(footprint.paths)),
        client=tuple(shown(path, "client") for path in sorted(facts)),
        timeless=footprint.timeless,
        reads_answers=footprint.reads("answer") or footprint.reads("phase"),
        reads_endpoints=footprint.reads("target", "endpoints"),
        cluster=cluster,
        counted=None if clients is None else classes(facts, clients),
    )


def _titles(loaded: Loaded) -> list[str]:
    notes = (note for source in loaded.policies for note in annotations_of(source.text))
    return sorted({note.title for note in notes if note.scope is Scope.PACKAGE and note.title.isprintable()} - {""})


def _of_manifests(folder: Path) -> list[Identity]:
    clock, metrics = SystemClock(), Metrics()
    source = Manifests(folder, Index(clock, metrics), clock, metrics, getLogger("dnspolicy.cluster"))
    source.load()
    return _clients(source.index)


async def _of_corefile(args: argparse.Namespace) -> list[Identity]:
    app = App(plan_of(args), clock=SystemClock(), out=print, err=print, memo=False, use=Use.ASK)
    async with following(app):
        view = app.view
        if not isinstance(view, Index) or not app.rooms.sources:
            raise ConfigError(f"{args.conf}: no `kubernetes` here, so there is no cluster to count in")
        if view.missing():
            raise ConfigError(f"{args.conf}: the cluster is not loaded: {', '.join(view.waits_for())}")
        return _clients(view)


def _clients(index: Index) -> list[Identity]:
    """One for each address that a pod or node asks from."""
    addresses: dict[str, None] = {}
    for item in (*index.held(Kind.POD), *index.held(Kind.NODE)):
        if (isinstance(item, Pod) and not item.finished) or isinstance(item, Node):
            addresses.update(dict.fromkeys(item.addresses))
    return [index.identify(address) for address in addresses]


def _lines(cost: Cost) -> list[str]:
    per_client = ["nothing: all clients are one class"] if not cost.client else list(cost.client)
    found = [
        *_block("policies", cost.titles or ("no package has a title",)),
        *_block("reads", cost.reads or ("nothing",)),
        *_block("classes", per_client),
        *_block("time", (_time(cost),)),
        *_block("phases", (_phases(cost),)),
        *_block("endpoints", ("read: each question brings them along" if cost.reads_endpoints else "not read",)),
    ]
    return [*found, *_cluster(cost)]


def _block(title: str, lines: tuple[str, ...] | list[str]) -> list[str]:
    return [f"{title if at == 0 else '':<11}{line}" for at, line in enumerate(lines)]


def _time(cost: Cost) -> str:
    if cost.timeless:
        return "no clock is read: a decision holds until policy, data or cluster change"
    return "the clock is read: a decision holds for its ttl, and without one it is made anew for each query"


def _phases(cost: Cost) -> str:
    return "query and response: asked twice a query" if cost.reads_answers else "query only: asked once a query"


def _cluster(cost: Cost) -> list[str]:
    counted = cost.counted
    if counted is None:
        return []
    said = f"{cost.cluster}: {counted.classes} classes for {counted.clients} clients"
    lines = [f"{said}; the largest has {counted.largest}"] if counted.clients else [f"{cost.cluster}: no clients"]
    telling = [share for share in counted.shares if share.without < counted.classes]
    lines += [_share(share, counted.classes) for share in telling[:SHOWN]]
    if len(telling) > SHOWN:
        lines.append(f"… and {len(telling) - SHOWN} more")
    idle = [shown(share.fact, "client") for share in counted.shares if share.without == counted.classes]
    lines += [f"adds nothing beside the others here: {', '.join(idle)}"] if idle and counted.clients else []
    return [*_block("cluster", lines), *_block("memory", _memory(counted))]


def _share(share: Share, all_classes: int) -> str:
    return f"{shown(share.fact, 'client')} multiplies {share.without} → {all_classes} ({share.values} values)"


def _memory(counted: Classes) -> list[str]:
    each = max(counted.classes, 1)
    names = MEMO_CAPACITY // each
    return [
        f"a name that all of them ask for: {each} finished answers, about {_size(each * ANSWER_BYTES)}",
        f"at most {MEMO_CAPACITY} are kept, about {_size(MEMO_CAPACITY * ANSWER_BYTES)}: {names} such names",
    ]


def _size(count: int) -> str:
    return f"{count / 1024:.0f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MiB"


def _document(cost: Cost) -> dict[str, Any]:
    counted = cost.counted
    document: dict[str, Any] = {
        "policies": cost.titles,
        "reads": cost.reads,
        "client_facts": cost.client,
        "timeless": cost.timeless,
        "response_phase": cost.reads_answers,
        "endpoints": cost.reads_endpoints,
    }
    if counted is None:
        return document
    shares = [
        {"fact": shown(s.fact, "client"), "values": s.values, "classes_without": s.without} for s in counted.shares
    ]
    of_name = counted.classes * ANSWER_BYTES
    return document | {
        "cluster": {
            "from": cost.cluster,
            "clients": counted.clients,
            "classes": counted.classes,
            "largest": counted.largest,
            "facts": shares,
            "memo_bytes_per_name": of_name,
            "memo_bytes": MEMO_CAPACITY * ANSWER_BYTES,
        }
    }
