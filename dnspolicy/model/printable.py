"""Text made by others, fit to be shown: on one line, and nothing in it that a terminal would obey."""

from __future__ import annotations

SHOWN = 300
"""Characters of it, unless more are wanted."""


def printable(text: str, most: int = SHOWN) -> str:
    """The text escaped, at most `most` characters of it."""
    return escaped(text if len(text) <= most else f"{text[: most - 1]}…")


def escaped(text: str) -> str:
    """All of it, with an escape such as `\\n` or `\\u202e` for everything that does not print."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
