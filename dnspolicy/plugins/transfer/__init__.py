"""Hands out whole zones to those who may have them."""

from dnspolicy.plugins.transfer.config import Config
from dnspolicy.plugins.transfer.handler import Transfer

__all__ = ["Config", "Transfer"]
