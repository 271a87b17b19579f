"""Decides by rule lists as CoreDNS's `firewall` has them; the language is in `policy/firewall`."""

from dnspolicy.engines.firewall.engine import FirewallEngine
from dnspolicy.engines.firewall.supply import FirewallSupply

__all__ = ["FirewallEngine", "FirewallSupply"]
