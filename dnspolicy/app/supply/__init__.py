"""Supplies: from the words of a `policy` directive to an engine that is fed, followed and kept up to date."""

from dnspolicy.app.supply.build import supply_of
from dnspolicy.app.supply.engines import Engines

__all__ = ["Engines", "supply_of"]
