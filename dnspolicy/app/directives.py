"""Every directive of a Corefile: its configuration, and how its room is built from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from dnspolicy.app.site import Site
from dnspolicy.corefile.builtin import BindConfig
from dnspolicy.plugins import (
    audit,
    cache,
    errors,
    file,
    forward,
    health,
    hosts,
    kubernetes,
    loadbalance,
    log,
    policy,
    prometheus,
    ready,
    transfer,
)

Build = Callable[[Any, Site], object]
"""From a typed configuration to what stands in the server block: a room, an observer, or both."""


class Known(msgspec.Struct, frozen=True, eq=False):
    """One directive. Without `build` it configures something that is no room. `repeatable` in one server block."""

    config: type[msgspec.Struct]
    build: Build | None = None
    repeatable: bool = False


def _audit(config: audit.Config, site: Site) -> audit.Audit:
    site.rooms.fold = min(site.rooms.fold, config.fold) if config.fold else site.rooms.fold
    return site.rooms.inherit_audit(config) or audit.Audit(
        config, clock=site.parts.clock, metrics=site.parts.metrics, write=site.parts.err, folder=site.plan.folder
    )


def _cache(config: cache.Config, site: Site) -> cache.Cache:
    made = cache.Cache(config, clock=site.parts.clock, metrics=site.parts.metrics, labels=site.labels)
    site.rooms.caches.append(made)
    return made


def _errors(config: errors.Config, site: Site) -> errors.Errors:
    return errors.Errors(config, write=site.parts.err, clock=site.parts.clock, metrics=site.parts.metrics)


def _file(config: file.Config, site: Site) -> file.File | None:
    """One room for all `file` directives of a block, as the longest zone of all of them holds."""
    configs = site.block.all(file.Config)
    if config is not configs[0]:
        return None
    placed = [msgspec.structs.replace(each, dbfile=str(site.plan.path(each.dbfile))) for each in configs]
    return file.File(placed, origins=site.block.zones, changed=site.rooms.changed, metrics=site.parts.metrics)


def _forward(config: forward.Config, site: Site) -> forward.Forward:
    return forward.Forward(config, forwarder=site.parts.forwarder, clock=site.parts.clock)


def _health(config: health.Config, site: Site) -> health.Health:
    return health.Health(config, listeners=site.parts.listeners, metrics=site.parts.metrics)


def _hosts(config: hosts.Config, site: Site) -> hosts.Hosts:
    config = msgspec.structs.replace(config, file=str(site.plan.path(config.file)))
    return hosts.Hosts(config, origins=site.block.zones, changed=site.rooms.changed, metrics=site.parts.metrics)


def _kubernetes(config: kubernetes.Config, site: Site) -> kubernetes.Kubernetes | None:
    cluster = site.rooms.cluster_of(config)
    if cluster is None:
        return None  # complained about already
    made = kubernetes.Kubernetes(config, cluster=cluster, zones=site.zones(config.zones), local_addresses=site.own)
    site.rooms.cluster_rooms.append(made)
    return made


def _loadbalance(config: loadbalance.Config, site: Site) -> loadbalance.Loadbalance:
    if config.file is not None:
        config = msgspec.structs.replace(config, file=str(site.plan.path(config.file)))
    return loadbalance.Loadbalance(config, changed=site.rooms.changed)


def _log(config: log.Config, site: Site) -> log.Log:
    return log.Log(config, write=site.parts.out, metrics=site.parts.metrics)


def _policy(config: policy.Config, site: Site) -> policy.Policy:
    return policy.Policy(
        site.rooms.judge(config),
        view=site.rooms.view,
        zones=site.rooms.cluster_zones,
        block_zones=site.block.zones,
        missing=site.rooms.missing,
        ask_upstreams=site.parts.forwarder.redirect,
    )


def _prometheus(config: prometheus.Config, site: Site) -> prometheus.Prometheus:
    zone = site.block.zones[0]
    return prometheus.Prometheus(
        config,
        tally=site.parts.tally,
        listeners=site.parts.listeners,
        server=site.labels.server,
        zone=f"{zone}." if zone.labels else ".",
        plugins=[room.directive.name for room in site.block.rooms],
    )


def _ready(config: ready.Config, site: Site) -> ready.Ready:
    return ready.Ready(config, listeners=site.parts.listeners, rooms=site.rooms.readiness)


def _transfer(config: transfer.Config, site: Site) -> transfer.Transfer | None:
    """One room for all `transfer` directives of a block, as the longest zone of all of them holds."""
    configs = site.block.all(transfer.Config)
    if config is not configs[0]:
        return None
    return transfer.Transfer(configs, origins=site.block.zones, metrics=site.parts.metrics)


DIRECTIVES: Mapping[str, Known] = {
    "audit": Known(audit.Config, _audit),
    "bind": Known(BindConfig),
    "cache": Known(cache.Config, _cache),
    "errors": Known(errors.Config, _errors),
    "file": Known(file.Config, _file, repeatable=True),
    "forward": Known(forward.Config, _forward, repeatable=True),
    "health": Known(health.Config, _health),
    "hosts": Known(hosts.Config, _hosts),
    "kubernetes": Known(kubernetes.Config, _kubernetes),
    "loadbalance": Known(loadbalance.Config, _loadbalance),
    "log": Known(log.Config, _log),
    "policy": Known(policy.Config, _policy),
    "prometheus": Known(prometheus.Config, _prometheus),
    "ready": Known(ready.Config, _ready),
    "transfer": Known(transfer.Config, _transfer, repeatable=True),
}
"""Every directive this server knows."""
NOT_YET = frozenset((
    "acl", "any", "auto", "autopath", "bufsize", "cancel", "chaos", "debug", "dns64", "dnssec", "dnstap",
    "erratic", "etcd", "geoip", "grpc", "header", "k8s_external", "local", "loop", "metadata",
    "minimal", "multisocket", "nsid", "pprof", "proxyproto", "reload", "rewrite", "root", "secondary", "sign",
    "template", "timeouts", "tls", "trace", "tsig", "view", "whoami",
))  # fmt: skip
"""Plugins of CoreDNS that a Corefile may name and this version does not have."""
