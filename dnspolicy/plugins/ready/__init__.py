"""Says whether every room is ready to serve."""

from dnspolicy.plugins.ready.config import Config, Monitor
from dnspolicy.plugins.ready.handler import Ready, Room

__all__ = ["Config", "Monitor", "Ready", "Room"]
