"""Rooms that say who may ask what."""

from __future__ import annotations

from dnspolicy.app.site import Site
from dnspolicy.corefile.schema import Duration
from dnspolicy.model.errors import ConfigError
from dnspolicy.plugins import acl, firewall, policy
from dnspolicy.policy.firewall import Asked

FIREWALL_TIMEOUT = Duration(1.0)
"""Seconds that the engines of a `firewall` list may take together."""


def make_acl(config: acl.Config, site: Site) -> acl.Acl:
    """One for all, as an `allow` of one ends the checks of all."""
    lists = [(each, site.zones(each.zones)) for each in site.block.all(acl.Config)]
    return acl.Acl(lists, metrics=site.parts.metrics, labels=site.labels)


def make_firewall(config: firewall.Config, site: Site) -> policy.Policy:
    """The policy room for all lists of the block."""
    if site.block.one(policy.Config) is not None:
        raise ConfigError("firewall and policy would judge the same questions; put the lists into the policy block")
    lines, engines = site.block.all(firewall.Config), site.block.all(firewall.OpaConfig)
    return make_policy(policy.Config(firewall=lines, engine=engines, timeout=FIREWALL_TIMEOUT), site)


def make_opa(config: firewall.OpaConfig, site: Site) -> None:
    """Nothing of its own: the rules that name it ask it."""
    rules = (rule for lines in site.block.all(firewall.Config) for rule in lines.rules().rules)
    if Asked(config.name) not in rules:
        raise ConfigError(f"no rule names it; expected `opa {config.name}` in a `firewall` block beside it")


def make_policy(config: policy.Config, site: Site) -> policy.Policy:
    return policy.Policy(
        site.rooms.judge(config),
        view=site.rooms.view,
        zones=site.rooms.cluster_zones,
        block_zones=site.block.zones,
        missing=site.rooms.missing,
        ask_upstreams=site.parts.forwarder.redirect,
    )
