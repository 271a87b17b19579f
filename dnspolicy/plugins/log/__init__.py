"""One line per query."""

from dnspolicy.plugins.log.config import Config
from dnspolicy.plugins.log.handler import Log

__all__ = ["Config", "Log"]
