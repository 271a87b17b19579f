"""Answers from zone files."""

from dnspolicy.plugins.file.config import Config
from dnspolicy.plugins.file.handler import File

__all__ = ["Config", "File"]
