"""Rooms that change questions and answers, and views, which choose between blocks."""

from __future__ import annotations

import msgspec

from dnspolicy.app.site import Site
from dnspolicy.plugins import dns64, header, loadbalance, minimal, rewrite, view


def make_dns64(config: dns64.Config, site: Site) -> dns64.Dns64:
    return dns64.Dns64(config, metrics=site.parts.metrics, server=site.labels.server)


def make_header(config: header.Config, site: Site) -> header.Header:
    return header.Header(config)


def make_loadbalance(config: loadbalance.Config, site: Site) -> loadbalance.Loadbalance:
    if config.file is not None:
        config = msgspec.structs.replace(config, file=str(site.plan.path(config.file)))
    return loadbalance.Loadbalance(config, changed=site.rooms.changed)


def make_minimal(config: minimal.Config, site: Site) -> minimal.Minimal:
    return minimal.Minimal()


def make_rewrite(config: rewrite.Config, site: Site) -> rewrite.Rewrite:
    """One for all, as they are one list of rules."""
    return rewrite.Rewrite(site.block.all(rewrite.Config), metadata=site.metadata)


def make_view(config: view.Config, site: Site) -> view.View:
    return view.View(config, site.metadata)
