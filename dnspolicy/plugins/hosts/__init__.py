"""Answers from a hosts file and from entries in the Corefile."""

from dnspolicy.plugins.hosts.config import Config
from dnspolicy.plugins.hosts.handler import Hosts

__all__ = ["Config", "Hosts"]
