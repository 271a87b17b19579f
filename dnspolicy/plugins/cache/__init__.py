"""Remembering answers."""

from dnspolicy.plugins.cache.config import Config
from dnspolicy.plugins.cache.handler import Cache

__all__ = ["Cache", "Config"]
