"""Which cluster a `kubernetes` directive means, and what of it has to be known."""

from __future__ import annotations

from pathlib import Path

from dnspolicy.app.plan import Plan
from dnspolicy.cluster.apiserver.options import Connect, Limits, Options
from dnspolicy.cluster.objects import Kind
from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins import kubernetes
from dnspolicy.plugins.kubernetes.config import PodMode

_ASK_WHO = frozenset(("alarms", "audit", "autopath", "firewall", "metadata", "policy"))
"""Directives that want to know which pod is asking."""
_ASK_WHERE = frozenset(("audit", "firewall", "policy"))
"""Directives that want to know nodes too."""


def source_of(config: kubernetes.Config, plan: Plan) -> Path | Options:
    """The folder of manifests, or the API server. What is equal is the same source."""
    if config.manifests is not None:
        return plan.path(config.manifests)
    limits = Limits(qps=config.apiserver_qps, burst=config.apiserver_burst, max_inflight=config.apiserver_max_inflight)
    snapshot = plan.path(config.snapshot) if config.snapshot is not None else None
    return Options(connect=_connect(config, plan), kinds=kinds_of(plan), limits=limits, snapshot=snapshot)


def source_asking(plan: Plan, what: str) -> Path | Options:
    """The cluster that says who is asking, which `what` follows objects of. Raises ConfigError when there is none."""
    configs = (config for block in plan.blocks for config in block.all(kubernetes.Config))
    first = next(configs, None)
    if first is None:
        raise ConfigError(f"{what} needs a `kubernetes` directive, which says where")
    return source_of(first, plan)


def kinds_of(plan: Plan) -> tuple[Kind, ...]:
    """The kinds of objects that somebody in this configuration needs."""
    names = {room.directive.name for block in plan.blocks for room in block.rooms}
    clusters = [config for block in plan.blocks for config in block.all(kubernetes.Config)]
    wanted = {
        Kind.NAMESPACE: True,
        Kind.SERVICE: True,
        Kind.ENDPOINT_SLICE: bool(names & _ASK_WHO) or not all(config.noendpoints for config in clusters),
        Kind.POD: bool(names & _ASK_WHO) or any(c.pods is PodMode.VERIFIED for c in clusters),
        Kind.NODE: bool(names & _ASK_WHERE),
    }
    return tuple(kind for kind, needed in wanted.items() if needed)


def _connect(config: kubernetes.Config, plan: Plan) -> Connect:
    if config.kubeconfig:
        file, *context = config.kubeconfig
        return Connect(kubeconfig=plan.path(file), context="".join(context))
    if not config.endpoint:
        return Connect()
    certificate, key, ca = map(plan.path, config.tls) if config.tls else (None, None, None)
    return Connect(endpoint=config.endpoint[0], certificate=certificate, key=key, ca=ca)
