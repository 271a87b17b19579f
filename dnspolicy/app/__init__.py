"""The composition root: the only part that knows everyone."""

from dnspolicy.app.app import App
from dnspolicy.app.plan import Plan, read_plan

__all__ = ["App", "Plan", "read_plan"]
