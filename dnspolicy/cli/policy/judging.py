"""A policy asked without a server, and the cluster that its questions are about."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Hashable, Sequence
from logging import getLogger
from pathlib import Path

import msgspec

from dnspolicy.app.clusters import source_of
from dnspolicy.app.reading import read_plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.metrics import Metrics
from dnspolicy.cluster.index import Index
from dnspolicy.cluster.manifests import Manifests
from dnspolicy.engines.rego import RegoEngine, load
from dnspolicy.model.errors import ConfigError, EngineError
from dnspolicy.model.name import Name, from_text
from dnspolicy.model.verdict import Action, BlockAs, Origin, Verdict
from dnspolicy.plugins import kubernetes
from dnspolicy.policy.candidate import settled
from dnspolicy.policy.footprint import Footprint, projector
from dnspolicy.policy.input import PolicyInput

FAILURE = "failure"
ZONES = ("cluster.local", "in-addr.arpa", "ip6.arpa")
_SECONDS = 10.0
_REMEMBERED = 50_000


class Said(msgspec.Struct, frozen=True):
    """What a policy does: an action or `failure`, how a block looks, where the rest leads. None is not known."""

    action: str
    rule: str
    reason: str
    block_as: str | None = None
    to: tuple[str, ...] | None = None

    def differs(self, other: Said) -> bool:
        """Whether a client would see anything else, as far as both are known."""
        if self.action != other.action:
            return True
        pairs = ((self.block_as, other.block_as), (self.to, other.to))
        return any(a is not None and b is not None and a != b for a, b in pairs)


def said(verdict: Verdict) -> Said:
    """What a verdict does."""
    names = tuple(str(name) for name in (verdict.name, verdict.cname) if name is not None)
    to = names + verdict.addresses + verdict.upstreams + verdict.endpoints
    block = verdict.block_as.value if verdict.action is Action.BLOCK else None
    return Said(verdict.action.value, verdict.rule, verdict.reason, block, to)


class Asked:
    """A policy from folders. Raises PolicyLoadError. `default`: what follows when it says nothing."""

    def __init__(self, folders: Sequence[Path], entrypoint: str, default: str) -> None:
        loaded = load(folders, entrypoint)
        self._engine = RegoEngine(loaded)
        self._default = Verdict(
            Action(default), "default", f"the policy says nothing; default {default}", BlockAs.NXDOMAIN,
            origin=Origin.DEFAULT, revision=loaded.revision,
        )  # fmt: skip
        self._project = projector(loaded.footprint)
        self._known: dict[Hashable, Said] = {}

    @property
    def revision(self) -> str:
        return self._engine.revision

    @property
    def footprint(self) -> Footprint:
        return self._engine.footprint

    def judge(self, question: PolicyInput) -> Said:
        """What it does with a question; questions that are the same to it are asked once."""
        key = self._project(question)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._judge(question)
        return found

    def _judge(self, question: PolicyInput) -> Said:
        try:
            verdict = self._engine.decide_now(question, time.monotonic() + _SECONDS)
        except EngineError as problem:
            return Said(FAILURE, FAILURE, str(problem))
        return said(settled(verdict, self._default, timeless=True))


class World(msgspec.Struct, frozen=True):
    """A cluster that was read from manifests, and its zones."""

    index: Index
    zones: tuple[Name, ...]


def add_world(parser: argparse.ArgumentParser) -> None:
    """Where the cluster is."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--cluster", type=Path, metavar="DIR", help="folder with manifests of the cluster")
    where.add_argument("--conf", type=Path, metavar="FILE", help="Corefile whose `kubernetes` names such a folder")
    parser.add_argument(
        "--zone",
        action="append",
        metavar="ZONE",
        help=f"zone of the cluster; may be repeated (default: {', '.join(ZONES)}, or what the Corefile says)",
    )


def world(args: argparse.Namespace) -> World | None:
    """The cluster; None when none was named. Raises ConfigError and ManifestError."""
    folder, zones = args.cluster, tuple(args.zone or ZONES)
    if args.conf is not None:
        folder, zones = _of_corefile(args.conf, args.zone)
    if folder is None:
        return None
    clock, metrics = SystemClock(), Metrics()
    source = Manifests(folder, Index(clock, metrics), clock, metrics, getLogger("dnspolicy.cluster"))
    source.load()
    return World(source.index, tuple(map(from_text, zones)))


def _of_corefile(path: Path, zones: list[str] | None) -> tuple[Path, tuple[str, ...]]:
    plan = read_plan(path, os.environ)
    for block in plan.blocks:
        for config in block.all(kubernetes.Config):
            folder = source_of(config, plan)
            if not isinstance(folder, Path):
                raise ConfigError(f"{path}: the cluster is behind an API server; name a folder with --cluster")
            return folder, tuple(zones or config.zones or map(str, block.zones))
    raise ConfigError(f"{path}: no `kubernetes` here, so there is no cluster")
