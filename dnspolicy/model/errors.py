"""The errors of the project: one root, few branches."""

from __future__ import annotations


class DnsPolicyError(Exception):
    """Root of every error this project raises on purpose."""


class ConfigError(DnsPolicyError):
    """A configuration cannot be used. Its text is ready to be shown: one complaint a line, `file:line:column: …`."""


class BadName(DnsPolicyError, ValueError):
    """A text or some bytes are not a domain name (RFC 1035 2.3.4)."""


class WireError(DnsPolicyError):
    """Bytes are not a DNS message, or not one this server reads."""


class PolicyLoadError(DnsPolicyError):
    """A policy or its data cannot be used. Holds all complaints: `file:line:column: …`, then the source line."""


class PolicyNotChecked(PolicyLoadError):
    """Nobody knows whether a policy can be used: what was to read or check it could not. Another time it may."""


class EngineError(DnsPolicyError):
    """A policy engine gave no usable decision. Never an allow."""


class EngineUnavailable(EngineError):
    """The engine is not there (not loaded, not reachable)."""


class EngineTimeout(EngineError):
    """The engine took longer than the query's budget."""


class EngineBadReply(EngineError):
    """The engine answered with something that is not a decision."""


class ManifestError(DnsPolicyError):
    """A file of cluster objects cannot be read. The text names file, line and what is wrong."""
