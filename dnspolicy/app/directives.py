"""Every directive of a Corefile: its configuration, and what builds its room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from dnspolicy.app.builders import answering, changing, judging, observing
from dnspolicy.app.site import Site
from dnspolicy.corefile.builtin import BindConfig
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

Build = Callable[[Any, Site], object]
"""From a typed configuration to what stands in the server block: a room, an observer, or both."""


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


DIRECTIVES: Mapping[str, Known] = {
    "acl": Known(acl.Config, judging.make_acl, repeatable=True, together=True),
    "alarms": Known(alarms.Config, observing.make_alarms),
    "any": Known(any_.Config, answering.make_any),
    "audit": Known(audit.Config, observing.make_audit),
    "autopath": Known(autopath.Config, answering.make_autopath, late=True),
    "bind": Known(BindConfig),
    "bufsize": Known(bufsize.Config),
    "cache": Known(cache.Config, answering.make_cache),
    "chaos": Known(chaos.Config, answering.make_chaos),
    "dns64": Known(dns64.Config, changing.make_dns64),
    "errors": Known(errors.Config, observing.make_errors),
    "file": Known(file.Config, answering.make_file, repeatable=True, together=True),
    "firewall": Known(firewall.Config, judging.make_firewall, repeatable=True, together=True),
    "forward": Known(forward.Config, answering.make_forward, repeatable=True),
    "header": Known(header.Config, changing.make_header),
    "health": Known(health.Config, observing.make_health),
    "hosts": Known(hosts.Config, answering.make_hosts),
    "kubernetes": Known(kubernetes.Config, answering.make_kubernetes),
    "loadbalance": Known(loadbalance.Config, changing.make_loadbalance),
    "local": Known(local.Config, answering.make_local),
    "log": Known(log.Config, observing.make_log, repeatable=True, together=True),
    "loop": Known(loop.Config, answering.make_loop),
    "metadata": Known(metadata.Config),
    "minimal": Known(minimal.Config, changing.make_minimal),
    "opa": Known(firewall.OpaConfig, judging.make_opa, repeatable=True),
    "policy": Known(policy.Config, judging.make_policy),
    "prometheus": Known(prometheus.Config, observing.make_prometheus),
    "ready": Known(ready.Config, observing.make_ready),
    "rewrite": Known(rewrite.Config, changing.make_rewrite, repeatable=True, together=True),
    "template": Known(template.Config, answering.make_template, repeatable=True, together=True),
    "reload": Known(reload.Config),
    "transfer": Known(transfer.Config, answering.make_transfer, repeatable=True, together=True),
    "view": Known(view.Config, changing.make_view),
}
"""Every directive this server knows."""
NOT_YET = frozenset((
    "auto", "azure", "cancel", "clouddns", "debug", "dnssec", "dnstap", "dynupdate",
    "erratic", "etcd", "geoip", "grpc", "grpc_server", "https", "https3", "k8s_external",
    "multisocket", "nomad", "nsid", "on", "pprof", "proxyproto", "quic", "root", "route53", "secondary", "shed",
    "sign", "siit", "timeouts", "tls", "trace", "tsig", "whoami",
))  # fmt: skip
"""Plugins of CoreDNS that a Corefile may name and this version does not have."""
