"""Large JSON in pieces that together make it, found in short steps."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Sequence

from dnspolicy.engines.rego.failing import RegoError

_ENTRIES = 1_500
"""Values in one piece: finding them takes 2 to 3 ms, and merging them in 2 to 10, growing with what is there."""
_DEPTH = 6
"""Objects below this many others are taken whole."""
_LONG = 32
"""Characters of a value taken whole that count as one entry."""
_SPACE = re.compile(r"[ \t\n\r]*")
_value = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_text = json.decoder.scanstring  # type: ignore[attr-defined]
Steps = Generator[str | None, None, int]


def split(document: str, path: Sequence[str]) -> Generator[str, None, None]:
    """Objects that, merged, are the document at a path; a few milliseconds for each.

    Only objects are cut; an array is in one piece however long. Raises RegoError for what is not JSON as Python reads
    it; regorus, which reads it again, is stricter.
    """
    try:
        yield from _Splitter(document, path).run()
    except StopIteration:
        raise RegoError("not JSON: it ends too early") from None
    except RecursionError:
        raise RegoError("not JSON: nested too deeply") from None
    except (ValueError, IndexError) as problem:
        raise RegoError(f"not JSON: {problem}") from None


class _Splitter:
    def __init__(self, document: str, path: Sequence[str]) -> None:
        self._json = document
        self._path = path
        self._open = [f"{{{json.dumps(step)}:" for step in path]
        """What opened the objects that are not closed yet, one each."""
        self._parts: list[str] = ["".join(self._open)]
        self._entries = 0
        self._first = True
        """Whether no member of the innermost object is in this piece yet."""

    def run(self) -> Generator[str, None, None]:
        at = self._skip(0)
        if self._json[at] == "{":
            at = yield from self._object(at, "{")
        elif not self._path:
            raise RegoError("data must be an object")
        else:
            at = self._whole(at)
        if self._skip(at) != len(self._json):
            raise ValueError("something follows the value")
        yield self._piece()

    def _object(self, at: int, opener: str) -> Generator[str, None, int]:
        """Take the object that begins at `at`; where it ends."""
        self._parts.append(opener)
        self._open.append(opener)
        self._first = True
        at = self._skip(at + 1)
        empty = self._json[at] == "}"
        while not empty:
            at = self._skip((yield from self._member(at)))
            if self._json[at] == "}":
                break
            if self._json[at] != ",":
                raise ValueError(f"expected a comma (char {at})")
            at = self._skip(at + 1)
        self._open.pop()
        self._parts.append("}")
        self._first = False
        return at + 1

    def _member(self, at: int) -> Generator[str, None, int]:
        if self._json[at] != '"':
            raise ValueError(f"expected a key (char {at})")
        start, (_, at) = at, _text(self._json, at + 1, True)
        key = self._json[start:at]
        at = self._skip(at)
        if self._json[at] != ":":
            raise ValueError(f"expected a colon (char {at})")
        at = self._skip(at + 1)
        comma = "" if self._first else ","
        self._first = False
        if self._json[at] == "{" and len(self._open) < _DEPTH + len(self._path):
            self._parts.append(comma)
            at = yield from self._object(at, f"{key}:{{")
        else:
            self._parts.append(f"{comma}{key}:")
            at = self._whole(at)
        self._entries += 1
        if self._entries >= _ENTRIES:
            yield self._piece()
            self._parts = ["".join(self._open)]
            self._entries = 0
            self._first = True
        return at

    def _whole(self, at: int) -> int:
        _, end = _value(self._json, at)
        self._parts.append(self._json[at:end])
        self._entries += (end - at) // _LONG
        return int(end)

    def _piece(self) -> str:
        return "".join(self._parts) + "}" * len(self._open)

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._json, at)
        return at if found is None else found.end()
