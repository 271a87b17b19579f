"""Every directive of a Corefile: its configuration, and how its room is built from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from dnspolicy.app.addresses import server_label
from dnspolicy.app.resolver import machine_search
from dnspolicy.app.site import Site
from dnspolicy.chain.search import SearchPaths
from dnspolicy.corefile.builtin import BindConfig
from dnspolicy.corefile.schema import Duration
from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins import (
    acl,
    alarms,
    audit,
    autopath,
    bufsize,
    cache,
    chaos,
    dns64,
    errors,
    file,
    firewall,
    forward,
    header,
    health,
    hosts,
    kubernetes,
    loadbalance,
    local,
    log,
    loop,
    metadata,
    minimal,
    policy,
    prometheus,
    ready,
    reload,
    rewrite,
    template,
    transfer,
    view,
)
from dnspolicy.plugins import any as any_
from dnspolicy.policy.firewall import Asked

Build = Callable[[Any, Site], object]
"""From a typed configuration to what stands in the server block: a room, an observer, or both."""

FIREWALL_TIMEOUT = Duration(1.0)
"""Seconds that the engines of a `firewall` list may take together."""
_NOT_ENABLED = frozenset(("bind", "debug", "health", "ready", "reload", "root", "timeouts", "tls"))
"""What `coredns_plugin_enabled` leaves out: directives that CoreDNS does not count as plugins of a chain."""


class Known(msgspec.Struct, frozen=True, eq=False):
    """One directive. Without `build` it configures something that is no room. `repeatable` in one server block.

    `together`: one room stands for all such directives of a block, built from the first. `late`: built after all
    others of its block, because it looks for one of them.
    """

    config: type[msgspec.Struct]
    build: Build | None = None
    repeatable: bool = False
    together: bool = False
    late: bool = False


def _acl(config: acl.Config, site: Site) -> acl.Acl:
    """One for all, as an `allow` of one ends the checks of all."""
    lists = [(each, site.zones(each.zones)) for each in site.block.all(acl.Config)]
    return acl.Acl(lists, metrics=site.parts.metrics, labels=site.labels)


def _alarms(config: alarms.Config, site: Site) -> alarms.Alarms:
    return site.rooms.inherit_alarms(config) or alarms.Alarms(
        config,
        zones=site.rooms.cluster_zones,
        index=site.rooms.view,
        clock=site.parts.clock,
        metrics=site.parts.metrics,
    )


def _any(config: any_.Config, site: Site) -> any_.Any:
    return any_.Any()


def _audit(config: audit.Config, site: Site) -> audit.Audit:
    site.rooms.fold = min(site.rooms.fold, config.fold) if config.fold else site.rooms.fold
    return site.rooms.inherit_audit(config) or audit.Audit(
        config, clock=site.parts.clock, metrics=site.parts.metrics, write=site.parts.err, folder=site.plan.folder
    )


def _autopath(config: autopath.Config, site: Site) -> autopath.Autopath | None:
    source: SearchPaths | None
    if config.plugin:
        known = (room for room in site.built if isinstance(room, SearchPaths))
        source = next((room for room in known if getattr(room, "name", "") == config.plugin), None)
    else:
        source = autopath.FromFile(site.plan.path(config.file))
    if source is None and config.plugin == "kubernetes" and site.block.one(kubernetes.Config) is not None:
        return None  # complained about already: it has no cluster
    if source is None:
        wanted = "expected @kubernetes, and kubernetes in the same server block"
        raise ConfigError(f"autopath: no search lists are known to {config.plugin!r} here; {wanted}")
    zones = config.zones or site.block.zones
    return autopath.Autopath(
        zones=zones, source=source, clock=site.parts.clock, metrics=site.parts.metrics, labels=site.labels
    )


def _cache(config: cache.Config, site: Site) -> cache.Cache:
    made = cache.Cache(config, clock=site.parts.clock, metrics=site.parts.metrics, labels=site.labels)
    site.rooms.caches.append(made)
    return made


def _chaos(config: chaos.Config, site: Site) -> chaos.Chaos:
    return chaos.Chaos(config)


def _dns64(config: dns64.Config, site: Site) -> dns64.Dns64:
    return dns64.Dns64(config, metrics=site.parts.metrics, server=site.labels.server)


def _errors(config: errors.Config, site: Site) -> errors.Errors:
    debug = any(room.directive.name == "debug" for room in site.block.rooms)
    return errors.Errors(config, write=site.parts.err, clock=site.parts.clock, metrics=site.parts.metrics, debug=debug)


def _file(config: file.Config, site: Site) -> file.File:
    """One for all, as the longest zone of all of them holds."""
    configs = site.block.all(file.Config)
    placed = [msgspec.structs.replace(each, dbfile=str(site.plan.path(each.dbfile))) for each in configs]
    return file.File(placed, origins=site.block.zones, changed=site.rooms.changed, metrics=site.parts.metrics)


def _forward(config: forward.Config, site: Site) -> forward.Forward:
    return forward.Forward(
        config,
        forwarder=site.parts.forwarder,
        clock=site.parts.clock,
        last=site.block.all(forward.Config)[-1] is config,
        folder=site.plan.folder,
    )


def _header(config: header.Config, site: Site) -> header.Header:
    return header.Header(config)


def _health(config: health.Config, site: Site) -> health.Health:
    return health.Health(config, listeners=site.parts.listeners, metrics=site.parts.metrics)


def _hosts(config: hosts.Config, site: Site) -> hosts.Hosts:
    config = msgspec.structs.replace(config, file=str(site.plan.path(config.file)))
    return hosts.Hosts(config, origins=site.block.zones, changed=site.rooms.changed, metrics=site.parts.metrics)


def _kubernetes(config: kubernetes.Config, site: Site) -> kubernetes.Kubernetes | None:
    cluster = site.rooms.cluster_of(config)
    if cluster is None:
        return None  # complained about already
    made = kubernetes.Kubernetes(
        config,
        cluster=cluster,
        zones=site.zones(config.zones),
        local_addresses=site.own,
        search=machine_search(),
    )
    site.rooms.cluster_rooms.append(made)
    return made


def _loadbalance(config: loadbalance.Config, site: Site) -> loadbalance.Loadbalance:
    if config.file is not None:
        config = msgspec.structs.replace(config, file=str(site.plan.path(config.file)))
    return loadbalance.Loadbalance(config, changed=site.rooms.changed)


def _local(config: local.Config, site: Site) -> local.Local:
    return local.Local(config, metrics=site.parts.metrics)


def _log(config: log.Config, site: Site) -> log.Log:
    """One for all, as the first one to cover a name decides."""
    configs = site.block.all(log.Config)
    return log.Log(configs, write=site.parts.out, metrics=site.parts.metrics, metadata=site.metadata)


def _loop(config: loop.Config, site: Site) -> loop.Loop:
    first = site.block.keys[0]
    bound = site.own[0] if site.block.one(BindConfig) is not None and site.own else ""
    return loop.Loop(config, zone=first.zone, listen=bound, port=first.port, halt=site.parts.halt)


def _minimal(config: minimal.Config, site: Site) -> minimal.Minimal:
    return minimal.Minimal()


def _firewall(config: firewall.Config, site: Site) -> policy.Policy:
    """The policy room for all lists of the block."""
    if site.block.one(policy.Config) is not None:
        raise ConfigError("firewall and policy would judge the same questions; put the lists into the policy block")
    lines, engines = site.block.all(firewall.Config), site.block.all(firewall.OpaConfig)
    return _policy(policy.Config(firewall=lines, engine=engines, timeout=FIREWALL_TIMEOUT), site)


def _opa(config: firewall.OpaConfig, site: Site) -> None:
    """Nothing of its own: the rules that name it ask it."""
    rules = (rule for lines in site.block.all(firewall.Config) for rule in lines.rules().rules)
    if Asked(config.name) not in rules:
        raise ConfigError(f"no rule names it; expected `opa {config.name}` in a `firewall` block beside it")


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
    names = {room.directive.name for room in site.block.rooms} - _NOT_ENABLED
    enabled = [
        prometheus.Enabled(name, server_label(host, key.port), key.zone.dotted, site.labels.view)
        for key in site.block.keys
        for host in site.hosts
        for name in sorted(names)
    ]
    return prometheus.Prometheus(config, tally=site.parts.tally, listeners=site.parts.listeners, enabled=enabled)


def _ready(config: ready.Config, site: Site) -> ready.Ready:
    return ready.Ready(config, listeners=site.parts.listeners, rooms=site.rooms.readiness)


def _rewrite(config: rewrite.Config, site: Site) -> rewrite.Rewrite:
    """One for all, as they are one list of rules."""
    return rewrite.Rewrite(site.block.all(rewrite.Config), metadata=site.metadata)


def _transfer(config: transfer.Config, site: Site) -> transfer.Transfer:
    """One for all, as the longest zone of all of them holds."""
    configs = site.block.all(transfer.Config)
    return transfer.Transfer(configs, origins=site.block.zones, metrics=site.parts.metrics)


def _template(config: template.Config, site: Site) -> template.TemplateRoom:
    """One for all, as they are tried in the order of the file."""
    configs = site.block.all(template.Config)
    return template.TemplateRoom(
        configs, origins=site.block.zones, metadata=site.metadata, metrics=site.parts.metrics, labels=site.labels
    )


def _view(config: view.Config, site: Site) -> view.View:
    return view.View(config, site.metadata)


DIRECTIVES: Mapping[str, Known] = {
    "acl": Known(acl.Config, _acl, repeatable=True, together=True),
    "alarms": Known(alarms.Config, _alarms),
    "any": Known(any_.Config, _any),
    "audit": Known(audit.Config, _audit),
    "autopath": Known(autopath.Config, _autopath, late=True),
    "bind": Known(BindConfig),
    "bufsize": Known(bufsize.Config),
    "cache": Known(cache.Config, _cache),
    "chaos": Known(chaos.Config, _chaos),
    "dns64": Known(dns64.Config, _dns64),
    "errors": Known(errors.Config, _errors),
    "file": Known(file.Config, _file, repeatable=True, together=True),
    "firewall": Known(firewall.Config, _firewall, repeatable=True, together=True),
    "forward": Known(forward.Config, _forward, repeatable=True),
    "header": Known(header.Config, _header),
    "health": Known(health.Config, _health),
    "hosts": Known(hosts.Config, _hosts),
    "kubernetes": Known(kubernetes.Config, _kubernetes),
    "loadbalance": Known(loadbalance.Config, _loadbalance),
    "local": Known(local.Config, _local),
    "log": Known(log.Config, _log, repeatable=True, together=True),
    "loop": Known(loop.Config, _loop),
    "metadata": Known(metadata.Config),
    "minimal": Known(minimal.Config, _minimal),
    "opa": Known(firewall.OpaConfig, _opa, repeatable=True),
    "policy": Known(policy.Config, _policy),
    "prometheus": Known(prometheus.Config, _prometheus),
    "ready": Known(ready.Config, _ready),
    "rewrite": Known(rewrite.Config, _rewrite, repeatable=True, together=True),
    "template": Known(template.Config, _template, repeatable=True, together=True),
    "reload": Known(reload.Config),
    "transfer": Known(transfer.Config, _transfer, repeatable=True, together=True),
    "view": Known(view.Config, _view),
}
"""Every directive this server knows."""
NOT_YET = frozenset((
    "auto", "azure", "cancel", "clouddns", "debug", "dnssec", "dnstap", "dynupdate",
    "erratic", "etcd", "geoip", "grpc", "grpc_server", "https", "https3", "k8s_external",
    "multisocket", "nomad", "nsid", "on", "pprof", "proxyproto", "quic", "root", "route53", "secondary", "shed",
    "sign", "siit", "timeouts", "tls", "trace", "tsig", "whoami",
))  # fmt: skip
"""Plugins of CoreDNS that a Corefile may name and this version does not have."""
