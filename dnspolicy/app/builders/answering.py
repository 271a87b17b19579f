"""Rooms that answer."""

from __future__ import annotations

import msgspec

from dnspolicy.app.resolver import machine_search
from dnspolicy.app.site import Site
from dnspolicy.chain.search import SearchPaths
from dnspolicy.corefile.builtin import BindConfig
from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins import any as any_
from dnspolicy.plugins import autopath, cache, chaos, file, forward, hosts, kubernetes, local, loop, template, transfer


def make_any(config: any_.Config, site: Site) -> any_.Any:
    return any_.Any()


def make_autopath(config: autopath.Config, site: Site) -> autopath.Autopath | None:
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


def make_cache(config: cache.Config, site: Site) -> cache.Cache:
    made = cache.Cache(config, clock=site.parts.clock, metrics=site.parts.metrics, labels=site.labels)
    site.rooms.caches.append(made)
    return made


def make_chaos(config: chaos.Config, site: Site) -> chaos.Chaos:
    return chaos.Chaos(config)


def make_file(config: file.Config, site: Site) -> file.File:
    """One for all, as the longest zone of all of them holds."""
    configs = site.block.all(file.Config)
    placed = [msgspec.structs.replace(each, dbfile=str(site.plan.path(each.dbfile))) for each in configs]
    return file.File(placed, origins=site.block.zones, changed=site.rooms.changed, metrics=site.parts.metrics)


def make_forward(config: forward.Config, site: Site) -> forward.Forward:
    return forward.Forward(
        config,
        forwarder=site.parts.forwarder,
        clock=site.parts.clock,
        last=site.block.all(forward.Config)[-1] is config,
        folder=site.plan.folder,
    )


def make_hosts(config: hosts.Config, site: Site) -> hosts.Hosts:
    config = msgspec.structs.replace(config, file=str(site.plan.path(config.file)))
    return hosts.Hosts(config, origins=site.block.zones, changed=site.rooms.changed, metrics=site.parts.metrics)


def make_kubernetes(config: kubernetes.Config, site: Site) -> kubernetes.Kubernetes | None:
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


def make_local(config: local.Config, site: Site) -> local.Local:
    return local.Local(config, metrics=site.parts.metrics)


def make_loop(config: loop.Config, site: Site) -> loop.Loop:
    first = site.block.keys[0]
    bound = site.own[0] if site.block.one(BindConfig) is not None and site.own else ""
    return loop.Loop(config, zone=first.zone, listen=bound, port=first.port, halt=site.parts.halt)


def make_template(config: template.Config, site: Site) -> template.TemplateRoom:
    """One for all, as they are tried in the order of the file."""
    configs = site.block.all(template.Config)
    return template.TemplateRoom(
        configs, origins=site.block.zones, metadata=site.metadata, metrics=site.parts.metrics, labels=site.labels
    )


def make_transfer(config: transfer.Config, site: Site) -> transfer.Transfer:
    """One for all, as the longest zone of all of them holds."""
    configs = site.block.all(transfer.Config)
    return transfer.Transfer(configs, origins=site.block.zones, metrics=site.parts.metrics)
