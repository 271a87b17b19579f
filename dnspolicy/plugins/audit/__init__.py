"""Writes down who asked for what, what was decided, by which rule and why."""

from dnspolicy.plugins.audit.config import DEFAULT_FOLD, Config
from dnspolicy.plugins.audit.handler import Audit

__all__ = ["DEFAULT_FOLD", "Audit", "Config"]
