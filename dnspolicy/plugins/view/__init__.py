"""Chooses between server blocks of one zone by conditions."""

from dnspolicy.plugins.view.config import Config
from dnspolicy.plugins.view.handler import View

__all__ = ["Config", "View"]
