"""The `opa` engine: decisions of an Open Policy Agent, asked over HTTP by a small client of our own."""

from dnspolicy.engines.opa.credentials import Files
from dnspolicy.engines.opa.engine import OpaEngine
from dnspolicy.engines.opa.supply import OpaSupply, Sources

__all__ = ["Files", "OpaEngine", "OpaSupply", "Sources"]
