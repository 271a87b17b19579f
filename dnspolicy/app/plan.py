"""From a Corefile to the typed configuration of every room, with all complaints at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dnspolicy.corefile.bind import bind
from dnspolicy.corefile.builtin import BindConfig
from dnspolicy.corefile.complaints import Complaints
from dnspolicy.corefile.load import load
from dnspolicy.corefile.tree import Directive, Key, ServerBlock
from dnspolicy.model.name import Name
from dnspolicy.plugins import (
    audit,
    cache,
    errors,
    forward,
    health,
    hosts,
    kubernetes,
    loadbalance,
    log,
    policy,
    prometheus,
    ready,
)

CONFIGS: Mapping[str, type[msgspec.Struct]] = {
    "audit": audit.Config,
    "bind": BindConfig,
    "cache": cache.Config,
    "errors": errors.Config,
    "forward": forward.Config,
    "health": health.Config,
    "hosts": hosts.Config,
    "kubernetes": kubernetes.Config,
    "loadbalance": loadbalance.Config,
    "log": log.Config,
    "policy": policy.Config,
    "prometheus": prometheus.Config,
    "ready": ready.Config,
}
"""Every directive this server knows."""
NOT_YET = frozenset((
    "acl", "any", "auto", "autopath", "bufsize", "cancel", "chaos", "debug", "dns64", "dnssec", "dnstap",
    "erratic", "etcd", "file", "geoip", "grpc", "header", "k8s_external", "local", "loop", "metadata",
    "minimal", "multisocket", "nsid", "pprof", "proxyproto", "reload", "rewrite", "root", "secondary", "sign",
    "template", "timeouts", "tls", "trace", "transfer", "tsig", "view", "whoami",
))  # fmt: skip
"""Plugins of CoreDNS that a Corefile may name and this version does not have."""
REPEATABLE = frozenset({"forward"})
T = TypeVar("T")


class Room(msgspec.Struct, frozen=True):
    """One directive with its typed configuration."""

    config: Any
    directive: Directive


class BlockPlan(msgspec.Struct, frozen=True):
    """One server block, bound."""

    keys: tuple[Key, ...]
    rooms: tuple[Room, ...]

    @property
    def zones(self) -> tuple[Name, ...]:
        return tuple(dict.fromkeys(key.zone for key in self.keys))

    def all(self, kind: type[T]) -> tuple[T, ...]:
        """The configurations of one type, in the order of the file."""
        return tuple(room.config for room in self.rooms if isinstance(room.config, kind))

    def one(self, kind: type[T]) -> T | None:
        """The configuration of a directive that stands once; None when it is not there."""
        found = self.all(kind)
        return found[0] if found else None

    def directive(self, config: object) -> Directive:
        return next(room.directive for room in self.rooms if room.config is config)


class Plan(msgspec.Struct, frozen=True):
    """All server blocks. `folder` is where relative paths begin; `files` is everything that was read."""

    blocks: tuple[BlockPlan, ...]
    folder: Path
    files: tuple[Path, ...]

    def path(self, text: str) -> Path:
        """A path of the Corefile: relative ones begin at its folder."""
        return Path(os.path.normpath(self.folder / text))


def read_plan(path: Path, environ: Mapping[str, str], default_port: int = 53) -> Plan:
    """Read and bind a Corefile. Raises ConfigError with every complaint, `file:line:column: …`, one a line."""
    complaints = Complaints()
    corefile = load(path, environ, default_port=default_port, complaints=complaints)
    blocks = tuple(_bind_block(block, complaints) for block in corefile.blocks)
    complaints.raise_if_any()
    return Plan(blocks, path.resolve().parent, corefile.files)


def _bind_block(block: ServerBlock, complaints: Complaints) -> BlockPlan:
    rooms = []
    seen: dict[str, Directive] = {}
    for directive in block.directives:
        config_type = CONFIGS.get(directive.name)
        if config_type is None:
            if directive.name in NOT_YET:
                complaints.add(directive.at, f"plugin {directive.name} of CoreDNS is not part of this version")
            else:
                complaints.unknown(directive, CONFIGS)
            continue
        first = seen.setdefault(directive.name, directive)
        if first is not directive and directive.name not in REPEATABLE:
            complaints.add(
                directive.at, f"a second {directive.name} in one server block", expected=f"only the one at {first.at}"
            )
        config = bind(directive, config_type, complaints)
        if config is not None:
            rooms.append(Room(config, directive))
    return BlockPlan(block.keys, tuple(rooms))
