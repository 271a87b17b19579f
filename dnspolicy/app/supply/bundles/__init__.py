"""Policies from bundles: files and URLs, followed, and put in force together."""

from dnspolicy.app.supply.bundles.places import BundlePlace, placed
from dnspolicy.app.supply.bundles.supply import BundleSupply

__all__ = ["BundlePlace", "BundleSupply", "placed"]
