"""Answers names that mean the asking machine itself."""

from dnspolicy.plugins.local.config import Config, Switch
from dnspolicy.plugins.local.handler import Local

__all__ = ["Config", "Local", "Switch"]
