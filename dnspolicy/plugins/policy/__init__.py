"""The policy room: judges every name before it is resolved and every answer before it leaves."""

from dnspolicy.plugins.policy.config import Config
from dnspolicy.plugins.policy.handler import Policy
from dnspolicy.plugins.policy.judge import Judge

__all__ = ["Config", "Judge", "Policy"]
