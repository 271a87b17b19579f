"""From the words of a `policy` directive to its engine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from dnspolicy.app.clusters import source_asking
from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.app.supply.bundles import BundleSupply, placed
from dnspolicy.app.supply.fed import FedSupply
from dnspolicy.app.supply.feeds import cluster_of_data, feeds_of
from dnspolicy.app.supply.folders import PolicyFolders
from dnspolicy.app.supply.rego import RegoSupply
from dnspolicy.app.supply.tenants import TenantSupply
from dnspolicy.cluster.apiserver.options import Options
from dnspolicy.engines.firewall import FirewallSupply
from dnspolicy.engines.opa import Files, OpaSupply, Sources
from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins.policy import Config
from dnspolicy.policy.engine import Feedable, Supply

TENANTS = "tenants"
"""What needs a cluster, in complaints."""
Build = Callable[[Config, Plan, Parts, bool], Supply]
"""The last says whether this is the thread that decides; if not, `settle` is called in that one."""


def supply_of(config: Config, plan: Plan, parts: Parts, thread: int) -> Supply:
    """The engine of a directive. `thread` is where it decides. Raises PolicyLoadError and ConfigError."""
    build = partial(SUPPLIES[config.kind], config, plan, parts, threading.get_ident() == thread)
    if config.tenants is None:
        return build()
    return TenantSupply(build, config.tenants, source_asking(plan, TENANTS), parts)


def cluster_of(config: Config, plan: Plan) -> Path | Options | None:
    """The cluster whose objects the supply of a directive follows; None when it follows none. Raises ConfigError."""
    return cluster_of_data(config.data, plan) if config.tenants is None else source_asking(plan, TENANTS)


def _rego(config: Config, plan: Plan, parts: Parts, here: bool) -> Supply:
    folders = PolicyFolders(_folders(config.rego, plan), config.entrypoint, tuple(line.steps for line in config.data))
    feeds = feeds_of(config.data, plan, parts)
    reload = float(config.reload)
    supply: Feedable = (
        BundleSupply(
            placed(config.bundle, plan.path), folders,
            reload=reload, clock=parts.clock, metrics=parts.metrics, here=here, keeps=parts.keeps,
        )
        if config.bundle
        else RegoSupply(
            folders, reload=reload, metrics=parts.metrics, monotonic=parts.clock.monotonic, here=here
        )
    )  # fmt: skip
    return FedSupply(supply, feeds, parts) if feeds else supply


def _folders(named: Sequence[str], plan: Plan) -> tuple[Path, ...]:
    folders = tuple(map(plan.path, named))
    absent = [text for text, folder in zip(named, folders, strict=True) if not folder.exists()]
    if absent:
        raise ConfigError(
            f"no such folder: {', '.join(absent)}; expected folders with policies, seen from the Corefile"
        )
    return folders


def _opa(config: Config, plan: Plan, parts: Parts, here: bool) -> Supply:
    settings = config.opa
    assert settings is not None
    pem = settings.files(plan.path)
    token = plan.path(settings.token_file) if settings.token_file else None
    tls = any(address.tls for address in settings.addresses)
    files = Files(token, pem.authority, pem.certificate, pem.key, tls=tls)
    documents = {line.steps: line.required for line in config.data}
    called = hashlib.sha256(repr(config.data).encode()).hexdigest()[:8]
    feeds = feeds_of(config.data, plan, parts)
    supply = OpaSupply(
        settings,
        Sources(files, _folders(settings.rego, plan), documents, called, gives=parts.keeps),
        config.entrypoint,
        reload=float(config.reload),
        metrics=parts.metrics,
        monotonic=parts.clock.monotonic,
    )
    return FedSupply(supply, feeds, parts) if feeds else supply


def _grpc(config: Config, plan: Plan, parts: Parts, here: bool) -> Supply:
    from dnspolicy.engines.grpc import GrpcSupply  # takes 0.1 s and 10 MB, which only this word needs

    assert config.grpc is not None
    return GrpcSupply(config.grpc, plan.path, metrics=parts.metrics, monotonic=parts.clock.monotonic)


def _firewall(config: Config, plan: Plan, parts: Parts, here: bool) -> Supply:
    return FirewallSupply(
        config.firewall, config.engine, plan.path, metrics=parts.metrics, monotonic=parts.clock.monotonic
    )


SUPPLIES: Mapping[str, Build] = {"rego": _rego, "opa": _opa, "grpc": _grpc, "firewall": _firewall}
"""By the word of the engine."""
