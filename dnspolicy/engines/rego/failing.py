"""How the interpreter fails."""

from __future__ import annotations


class RegoError(Exception):
    """Regorus refused or failed; the text is its own."""


class RegoTimeout(RegoError):
    """An evaluation took longer than it may."""


class RegoMemory(RegoError):
    """An evaluation took more memory than it may."""
