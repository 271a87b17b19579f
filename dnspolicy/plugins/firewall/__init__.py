"""Rule lists of CoreDNS's policy plugins; they are judged by the policy room."""

from dnspolicy.plugins.firewall.config import Config, OpaConfig

__all__ = ["Config", "OpaConfig"]
