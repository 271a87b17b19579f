"""Leaves out of good answers what nobody asked for."""

from dnspolicy.plugins.minimal.config import Config
from dnspolicy.plugins.minimal.handler import Minimal

__all__ = ["Config", "Minimal"]
