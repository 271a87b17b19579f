"""Notices clients whose names carry data out."""

from dnspolicy.plugins.alarms.config import Config
from dnspolicy.plugins.alarms.handler import Alarms

__all__ = ["Alarms", "Config"]
