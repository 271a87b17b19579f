"""What a feed gives, and what is told of it."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

import msgspec

from dnspolicy.feeds.failures import bad_document
from dnspolicy.model.errors import DnsPolicyError

MAX_DEPTH = 100
"""Levels of nesting. Regorus refuses values nested deeper than 128."""
MAX_VALUES = 5_000_000
MAX_TEXT = 1 << 30
"""Characters of all texts together, keys included, aliases of YAML written out."""


class Document(msgspec.Struct, frozen=True):
    """One state of a document. `encoded` is JSON; `at` is when it was true (seconds since 1970).

    `revision` names the content, for people: a hash, or what the document itself says.
    """

    encoded: bytes
    revision: str
    at: float


class Told(Protocol):
    """Who is told what becomes of a document. On the event loop."""

    def document(self, document: Document) -> None:
        """There is another one."""
        ...

    def gone(self, problem: DnsPolicyError) -> None:
        """There is none, and its source knows that."""
        ...

    def confirmed(self, at: float) -> None:
        """The last one was still true at `at` (seconds since 1970)."""
        ...

    def failed(self, problem: DnsPolicyError) -> None:
        """Nobody knows what it is now; the last one counts until it is too old."""
        ...


class Source(Protocol):
    """Where a document comes from."""

    async def run(self, told: Told) -> None:
        """Follow it until cancelled."""
        ...


def revision_of(content: bytes) -> str:
    """12 hex digits that name a content."""
    return hashlib.sha256(content).hexdigest()[:12]


def check_bounds(value: Any, text: int = MAX_TEXT) -> None:
    """Raises FeedFailure when a policy could not hold a value, aliases of YAML written out.

    `text`: how many characters it may have.
    """
    left, room = MAX_VALUES, text
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                room -= len(item)
            elif isinstance(item, dict | list):
                left -= len(item)
                if left < 0:
                    raise bad_document(f"more than {MAX_VALUES} values")
                if isinstance(item, dict):
                    room -= sum(len(key) for key in item if isinstance(key, str))
                    below.extend(item.values())
                else:
                    below.extend(item)
            if room < 0:
                raise bad_document(f"more than {text} characters, aliases written out")
        if not below:
            return
        level = below
    raise bad_document(f"nested deeper than {MAX_DEPTH} levels")


def encoded(value: Any) -> bytes:
    """A value that a parser made, as JSON. Raises FeedFailure when a policy could not hold it."""
    check_bounds(value)
    try:
        return msgspec.json.encode(value)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as problem:
        raise bad_document(f"cannot be written as JSON: {problem}") from None
