"""A line for each query that failed."""

from dnspolicy.plugins.errors.config import Config
from dnspolicy.plugins.errors.handler import Errors

__all__ = ["Config", "Errors"]
