"""The `firewall` directive, and the `opa` directive whose engines it names."""

from __future__ import annotations

from dnspolicy.policy.settings.firewall import FirewallLines, FirewallOpa


class Config(FirewallLines, frozen=True, kw_only=True):
    """`firewall query|response { … }`."""


class OpaConfig(FirewallOpa, frozen=True, kw_only=True):
    """`opa ENGINE { … }`."""
