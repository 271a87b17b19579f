"""What a policy file says about itself."""

from __future__ import annotations

from pathlib import Path

from dnspolicy.engines.rego.metadata import Scope, annotations_of
from dnspolicy.model.printable import printable


def title_at(place: str) -> str:
    """The title of the package of `file:line`, by its `# METADATA`; empty when it has none or cannot be read."""
    file = place.rpartition(":")[0]
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return next(
        (printable(note.title) for note in annotations_of(text) if note.scope is Scope.PACKAGE and note.title), ""
    )
