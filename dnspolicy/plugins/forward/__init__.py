"""Asking upstream servers."""

from dnspolicy.plugins.forward.config import Config
from dnspolicy.plugins.forward.forwarder import Forwarder, Route
from dnspolicy.plugins.forward.handler import Forward

__all__ = ["Config", "Forward", "Forwarder", "Route"]
