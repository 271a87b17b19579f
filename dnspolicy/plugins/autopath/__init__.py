"""Walks the search list of a client for it."""

from dnspolicy.plugins.autopath.config import Config
from dnspolicy.plugins.autopath.handler import Autopath
from dnspolicy.plugins.autopath.source import FromFile

__all__ = ["Autopath", "Config", "FromFile"]
