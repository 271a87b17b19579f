"""Answers questions for all types with one small record."""

from dnspolicy.plugins.any.config import Config
from dnspolicy.plugins.any.handler import Any

__all__ = ["Any", "Config"]
