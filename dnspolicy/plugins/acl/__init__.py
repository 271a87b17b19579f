"""Allows, blocks, filters or drops queries by their type and by the address they come from."""

from dnspolicy.plugins.acl.config import Config
from dnspolicy.plugins.acl.handler import Acl

__all__ = ["Acl", "Config"]
