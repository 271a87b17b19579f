"""`dnspolicy pdp`: the engine of a Corefile as a decision point for others."""

from __future__ import annotations

from dnspolicy.app.pdp.options import Limits, Options
from dnspolicy.app.pdp.server import Pdp, open_pdp

__all__ = ["Limits", "Options", "Pdp", "open_pdp"]
