"""The policy room: judges every name before it is resolved and every answer before it leaves."""

from dnspolicy.plugins.policy.config import Config
from dnspolicy.plugins.policy.handler import Policy

__all__ = ["Config", "Policy"]
