"""Words → values of the types that Config fields have, and what to expect where a word is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum
from math import isfinite
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from dnspolicy.corefile.schema import Duration, Size, Zone
from dnspolicy.corefile.zones import zones

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)
_WHOLE = re.compile(r"[-+]?\d{1,19}", re.ASCII)
_SIZE = re.compile(r"(\d{1,18})([kKmMgG]?)", re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3}
MAX_SECONDS = 9.2e9
"""What a duration of Go can hold."""


def duration(text: str) -> float:
    """Seconds of a duration as Go writes it, or of a bare number of seconds. Raises ValueError."""
    if _NUMBER.fullmatch(text):
        seconds = float(text)
    else:
        seconds, at = 0.0, 0
        for part in _PART.finditer(text):
            if part.start() != at:
                break
            seconds += float(part[1]) * _UNITS[part[2]]
            at = part.end()
        if not text or at != len(text):
            raise ValueError(f"{text!r} is not a duration")
    if not isfinite(seconds) or seconds > MAX_SECONDS:
        raise ValueError(f"{text!r} is too long a duration")
    return seconds


def size(text: str) -> int:
    """Bytes of a number, or of one with k, M or G behind it. Raises ValueError."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size")
    return int(match[1]) << 10 * _POWERS[match[2].lower()]


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _fraction(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text!r} is not a number")
    return value


_READERS: dict[Any, tuple[Callable[[str], object], str]] = {
    Duration: (duration, "a duration such as 5s or 20ms"),
    Size: (size, "a size such as 512, 64k or 10M"),
    int: (_whole, "a whole number"),
    float: (_fraction, "a number"),
}


def read(text: str, hint: Any) -> tuple[Any, ...]:
    """The values a word stands for: one, or several zones for a network. Raises ValueError."""
    base = bare(hint)
    raw: Sequence[object]
    if base is Zone:
        raw = [zone.dotted for zone in zones(text)]
    elif base in _READERS:
        raw = [_READERS[base][0](text)]
    else:
        raw = [text]
    return tuple(msgspec.convert(value, hint, strict=False) for value in raw)


def choices(hint: Any) -> list[str]:
    """The words a field may have; empty when there is no such list."""
    base = bare(hint)
    if get_origin(base) is Literal:
        return [str(value) for value in get_args(base)]
    if isinstance(base, type) and issubclass(base, Enum):
        return [str(member.value) for member in base]
    return []


def describe(hint: Any) -> str:
    """What a word of this type looks like."""
    base = bare(hint)
    if words := choices(hint):
        return words[0] if len(words) == 1 else f"one of {', '.join(words)}"
    if base is Zone:
        return "a zone such as example.org or 10.0.0.0/8"
    text = _READERS[base][1] if base in _READERS else "a word"
    return text + "".join(_limits(meta) for meta in metas(hint))


def bare(hint: Any) -> Any:
    """The type without what `Annotated` adds."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def metas(hint: Any) -> list[msgspec.Meta]:
    """The constraints that `Annotated` adds."""
    return [e for e in get_args(hint)[1:] if isinstance(e, msgspec.Meta)] if get_origin(hint) is Annotated else []


def _limits(meta: msgspec.Meta) -> str:
    if meta.pattern is not None:
        return f" that matches {meta.pattern}"
    if meta.ge is not None and meta.le is not None:
        return f" from {meta.ge:g} to {meta.le:,}".replace(",", "")
    named = (("at least", meta.ge), ("more than", meta.gt), ("at most", meta.le), ("less than", meta.lt))
    return "".join(f", {word} {limit}" for word, limit in named if limit is not None)
