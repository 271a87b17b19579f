"""Taking up a changed Corefile."""

from dnspolicy.plugins.reload.config import Config

__all__ = ["Config"]
