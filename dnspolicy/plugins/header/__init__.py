"""Sets and clears flags of the header."""

from dnspolicy.plugins.header.config import Action, Change, Config, Flag
from dnspolicy.plugins.header.handler import Header

__all__ = ["Action", "Change", "Config", "Flag", "Header"]
