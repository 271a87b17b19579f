"""How a room says what its directive looks like: a msgspec struct whose annotations the binder reads.

Rules the binder follows for a directive `NAME words… { options… }`:

* a field `Annotated[T, Positional]` takes words after the directive's name, in field order: a scalar takes one word,
  a tuple takes the rest; an optional one is left out where the word does not fit it but fits a later one;
* any other field is an option line of the block with the field's name (a trailing underscore is dropped, so `except_`
  is `except`): `bool` is a flag without words, a scalar takes one word, a tuple takes all words and may be repeated,
  a struct takes its own positional words and block, a `tuple[Struct, ...]` one such line per element;
* a field `Annotated[tuple[tuple[str, ...], ...], Rest]` takes option lines no other field knows, word by word;
* `Annotated[T, msgspec.Meta(ge=…, le=…, pattern=…)]` constrains; enums list the words that are allowed;
* `T | None` is `T`, with None as the default of what was not given;
* a field without a default must be given, a tuple with at least one word;
* `__post_init__` may raise ValueError for what concerns several fields; it is reported at the word that its text
  quotes, else at the directive.
"""

from __future__ import annotations

from typing import NewType


class Positional:
    """Marks a field that is filled from the words after the directive's name."""


class Rest:
    """Marks a field that takes option lines no other field knows."""


Duration = NewType("Duration", float)
"""Seconds; written as Go writes durations: `5s`, `20ms`, `1m30s`, or a bare number of seconds."""

Zone = NewType("Zone", str)
"""A zone name in lower case with its final dot; a CIDR is widened to its reverse zones."""

Size = NewType("Size", int)
"""Bytes; written as a number or with k, M, G (powers of 1024)."""
