"""Says which version of what runs here, in class CH."""

from dnspolicy.plugins.chaos.config import Config
from dnspolicy.plugins.chaos.handler import Chaos

__all__ = ["Chaos", "Config"]
