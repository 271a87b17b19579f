"""Remembering answers."""

from dnspolicy.plugins.cache.config import Config
from dnspolicy.plugins.cache.handler import Cache, ServerLabels

__all__ = ["Cache", "Config", "ServerLabels"]
