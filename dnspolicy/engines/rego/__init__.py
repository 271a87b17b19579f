"""The embedded Rego engine: policies from folders, checked, evaluated in-process by regorus."""

from dnspolicy.engines.rego.engine import RegoEngine, say_what_is_lacking
from dnspolicy.engines.rego.load import ENTRYPOINT, load
from dnspolicy.engines.rego.loaded import Loaded
from dnspolicy.engines.rego.sources import Limits, SourceFile

__all__ = ["ENTRYPOINT", "Limits", "Loaded", "RegoEngine", "SourceFile", "load", "say_what_is_lacking"]
