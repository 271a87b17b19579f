"""Turns queries into others and their answers back."""

from dnspolicy.plugins.rewrite.config import Config
from dnspolicy.plugins.rewrite.handler import Rewrite

__all__ = ["Config", "Rewrite"]
