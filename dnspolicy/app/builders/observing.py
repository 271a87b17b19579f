"""Rooms that see what was asked, and those that show how the server is."""

from __future__ import annotations

from dnspolicy.app.addresses import server_label
from dnspolicy.app.site import Site
from dnspolicy.plugins import alarms, audit, errors, health, log, prometheus, ready

_NOT_ENABLED = frozenset(("bind", "debug", "health", "ready", "reload", "root", "timeouts", "tls"))
"""What `coredns_plugin_enabled` leaves out: directives that CoreDNS does not count as plugins of a chain."""


def make_alarms(config: alarms.Config, site: Site) -> alarms.Alarms:
    return site.rooms.inherit_alarms(config) or alarms.Alarms(
        config,
        zones=site.rooms.cluster_zones,
        index=site.rooms.view,
        clock=site.parts.clock,
        metrics=site.parts.metrics,
    )


def make_audit(config: audit.Config, site: Site) -> audit.Audit:
    site.rooms.fold = min(site.rooms.fold, config.fold) if config.fold else site.rooms.fold
    return site.rooms.inherit_audit(config) or audit.Audit(
        config, clock=site.parts.clock, metrics=site.parts.metrics, write=site.parts.err, folder=site.plan.folder
    )


def make_errors(config: errors.Config, site: Site) -> errors.Errors:
    debug = any(room.directive.name == "debug" for room in site.block.rooms)
    return errors.Errors(config, write=site.parts.err, clock=site.parts.clock, metrics=site.parts.metrics, debug=debug)


def make_health(config: health.Config, site: Site) -> health.Health:
    return health.Health(config, listeners=site.parts.listeners, metrics=site.parts.metrics)


def make_log(config: log.Config, site: Site) -> log.Log:
    """One for all, as the first one to cover a name decides."""
    configs = site.block.all(log.Config)
    return log.Log(configs, write=site.parts.out, metrics=site.parts.metrics, metadata=site.metadata)


def make_prometheus(config: prometheus.Config, site: Site) -> prometheus.Prometheus:
    names = {room.directive.name for room in site.block.rooms} - _NOT_ENABLED
    enabled = [
        prometheus.Enabled(name, server_label(host, key.port), key.zone.dotted, site.labels.view)
        for key in site.block.keys
        for host in site.hosts
        for name in sorted(names)
    ]
    return prometheus.Prometheus(config, tally=site.parts.tally, listeners=site.parts.listeners, enabled=enabled)


def make_ready(config: ready.Config, site: Site) -> ready.Ready:
    return ready.Ready(config, listeners=site.parts.listeners, rooms=site.rooms.readiness)
