"""Lets other plugins show and test labels of queries."""

from dnspolicy.plugins.metadata.config import Config

__all__ = ["Config"]
