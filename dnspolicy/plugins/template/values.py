"""Values of templates: what is true, how they are shown, and the functions of Go's text/template."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

MAX_TEXT = 65_535
"""Characters of one record, and of every text made on the way."""
_MAX_WIDTH = 255
_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d*)(?:\.(?P<precision>\d*))?(?P<verb>.)", re.DOTALL)
_UNSIGNED = re.compile(r"[0-9a-zA-Z]+", re.ASCII)
_OCTAL = re.compile(r"0[0-7]+")
_BASES = {"d": "d", "x": "x", "X": "X", "o": "o", "b": "b"}


class Failed(Exception):
    """A template that cannot be carried out for this query."""


def truth(value: Any) -> bool:
    """Whether Go takes a value for true: not empty, not zero."""
    return bool(value)


def shown(value: Any, missing: str = "<no value>") -> str:
    """A value as Go prints it."""
    if value is None:
        return missing
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return f"[{' '.join(shown(item, '<nil>') for item in value)}]"
    if isinstance(value, Mapping):
        pairs = (f"{key}:{shown(value[key], '<nil>')}" for key in sorted(value))
        return f"map[{' '.join(pairs)}]"
    return str(value)


def _print(*values: Any) -> str:
    made = ""
    for number, value in enumerate(values):
        if number and not isinstance(value, str) and not isinstance(values[number - 1], str):
            made += " "
        made += shown(value, "<nil>")
    return _bounded(made)


def _println(*values: Any) -> str:
    return _bounded(" ".join(shown(value, "<nil>") for value in values) + "\n")


def _printf(form: Any, *values: Any) -> str:
    if not isinstance(form, str):
        raise Failed("printf wants its form as a text")
    rest = list(values)

    def filled(match: re.Match[str]) -> str:
        verb = match["verb"]
        if verb == "%":
            return "%"
        if not rest:
            return f"%!{verb}(MISSING)"
        return _formatted(match, verb, rest.pop(0))

    made = _VERB.sub(filled, form)
    if rest:
        extra = (f"{_go_type(value)}={shown(value, '<nil>')}" for value in rest)
        made += f"%!(EXTRA {', '.join(extra)})"
    return _bounded(made)


def _formatted(match: re.Match[str], verb: str, value: Any) -> str:
    flags, width, precision = match["flags"], int(match["width"] or 0), match["precision"]
    if width > _MAX_WIDTH or (precision and int(precision) > _MAX_WIDTH):
        raise Failed(f"printf fills up to {_MAX_WIDTH} places")
    whole = isinstance(value, int) and not isinstance(value, bool)
    if verb in _BASES and whole:
        text = format(value, ("+" if "+" in flags else "") + ("#" if "#" in flags else "") + _BASES[verb])
        if precision:
            sign, digits = (text[0], text[1:]) if text[:1] in "+-" else ("", text)
            text = sign + digits.rjust(int(precision), "0")
        return _padded(text, flags, width, zeros=precision is None)
    if verb in "xX" and isinstance(value, str):
        text = value.encode().hex()
        return _padded(text.upper() if verb == "X" else text, flags, width)
    if verb == "c" and whole:
        return _padded(chr(value) if 0 <= value < 0x110000 else "\ufffd", flags, width)
    if verb == "q" and isinstance(value, str):
        return _padded('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"', flags, width)
    if (
        verb == "v"
        or (verb == "s" and not whole and not isinstance(value, bool))
        or (verb == "t" and value in (True, False))
    ):
        text = shown(value, "<nil>")
        if verb == "s" and precision is not None:
            text = text[: int(precision or 0)]
        return _padded(text, flags, width, zeros=whole)
    return f"%!{verb}({_go_type(value)}={shown(value, '<nil>')})"


def _padded(text: str, flags: str, width: int, zeros: bool = False) -> str:
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and zeros:
        return text.zfill(width)
    return text.rjust(width)


def _go_type(value: Any) -> str:
    return {bool: "bool", int: "int", str: "string"}.get(type(value), "value")


def _parse_int(text: Any, base: Any, bits: Any) -> int:
    """An unsigned number in a base from 2 to 36, or 0 for what its prefix says; `bits` bounds it, 0 meaning 64."""
    if not isinstance(text, str) or not _is_whole(base) or not _is_whole(bits):
        raise Failed("parseInt wants a text and two numbers")
    try:
        if not _UNSIGNED.fullmatch(text) or not (base == 0 or 2 <= base <= 36):
            raise ValueError
        if base and any(int(digit, 36) >= base for digit in text):  # Python would take 0x in base 16
            raise ValueError
        number = int(text, 8 if base == 0 and _OCTAL.fullmatch(text) else base)
    except ValueError:
        raise Failed(f"parseInt: {text[:80]!r} is no number of base {base}") from None
    if not 0 <= bits <= 64 or number >= 1 << (bits or 64):
        raise Failed(f"parseInt: {text[:80]!r} needs more than {bits} bits")
    return number


def _len(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, tuple | list | Mapping):
        return len(value)
    raise Failed(f"len of {_go_type(value)}")


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, tuple | list) and _is_whole(key):
            if not 0 <= key < len(value):
                raise Failed(f"index {key} is out of range")
            value = value[key]
        elif isinstance(value, str) and _is_whole(key):
            raw = value.encode()
            if not 0 <= key < len(raw):
                raise Failed(f"index {key} is out of range")
            value = raw[key]
        else:
            raise Failed(f"index of {_go_type(value)}")
    return value


def _slice(value: Any, *bounds: Any) -> Any:
    if not isinstance(value, str | tuple | list) or len(bounds) > 2 or not all(map(_is_whole, bounds)):
        raise Failed("slice wants a text or list, and up to two numbers")
    raw = value.encode() if isinstance(value, str) else tuple(value)
    start = bounds[0] if bounds else 0
    end = bounds[1] if len(bounds) > 1 else len(raw)
    if not 0 <= start <= end <= len(raw):
        raise Failed(f"slice from {start} to {end} is out of range")
    part = raw[start:end]
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else part


def _eq(value: Any, *others: Any) -> bool:
    if not others:
        raise Failed("eq wants two values")
    return any(_alike(value, other) for other in others)


def _alike(a: Any, b: Any) -> bool:
    if a is not None and b is not None and (type(a) is not type(b) or not isinstance(a, str | int)):
        raise Failed(f"{_go_type(a)} and {_go_type(b)} cannot be compared")
    return bool(a == b)


def _less(a: Any, b: Any) -> bool:
    if type(a) is not type(b) or not isinstance(a, str | int) or isinstance(a, bool):
        raise Failed(f"{_go_type(a)} and {_go_type(b)} have no order")
    return bool(a < b)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Failed(f"more than {MAX_TEXT} characters")
    return text


FUNCTIONS: dict[str, tuple[int, int | None, Callable[..., Any]]] = {
    "eq": (2, None, _eq),
    "ge": (2, 2, lambda a, b: not _less(a, b)),
    "gt": (2, 2, lambda a, b: _less(b, a)),
    "index": (1, None, _index),
    "le": (2, 2, lambda a, b: not _less(b, a)),
    "len": (1, 1, _len),
    "lt": (2, 2, _less),
    "ne": (2, 2, lambda a, b: not _alike(a, b)),
    "not": (1, 1, lambda value: not truth(value)),
    "parseInt": (3, 3, _parse_int),
    "print": (0, None, _print),
    "printf": (1, None, _printf),
    "println": (0, None, _println),
    "slice": (1, 3, _slice),
}
"""By name: how many arguments at least and at most, and the function. `and` and `or` are the language's own."""
