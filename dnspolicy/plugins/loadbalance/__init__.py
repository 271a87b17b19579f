"""Serves the addresses of an answer in turn."""

from dnspolicy.plugins.loadbalance.config import Config
from dnspolicy.plugins.loadbalance.handler import Loadbalance

__all__ = ["Config", "Loadbalance"]
