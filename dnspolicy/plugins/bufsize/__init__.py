"""Limits the size of replies over UDP."""

from dnspolicy.plugins.bufsize.config import Config

__all__ = ["Config"]
