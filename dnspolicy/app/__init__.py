"""The composition root: the only part that knows everyone."""

from dnspolicy.app.app import App
from dnspolicy.app.plan import Plan
from dnspolicy.app.reading import read_plan

__all__ = ["App", "Plan", "read_plan"]
