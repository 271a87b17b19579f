"""Notices when what is forwarded comes back."""

from dnspolicy.plugins.loop.config import Config
from dnspolicy.plugins.loop.handler import Loop

__all__ = ["Config", "Loop"]
