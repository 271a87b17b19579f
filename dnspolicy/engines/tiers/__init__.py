"""Policies of namespaces below the one of the operator, which they can narrow and never weaken."""

from dnspolicy.engines.tiers.engine import TieredEngine
from dnspolicy.engines.tiers.policies import Policies

__all__ = ["Policies", "TieredEngine"]
