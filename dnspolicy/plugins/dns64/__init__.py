"""Makes IPv6 addresses out of IPv4 ones, for networks with NAT64."""

from dnspolicy.plugins.dns64.config import Config
from dnspolicy.plugins.dns64.handler import Dns64

__all__ = ["Config", "Dns64"]
