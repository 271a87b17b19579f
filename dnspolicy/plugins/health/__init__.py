"""Says that the process is alive."""

from dnspolicy.plugins.health.config import Config
from dnspolicy.plugins.health.handler import Health

__all__ = ["Config", "Health"]
