"""The file of weights: which address of a name is to come first how often."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import msgspec

from dnspolicy.corefile.regular import Signature, read_changed
from dnspolicy.model.errors import DnsPolicyError
from dnspolicy.model.name import from_text

MAX_BYTES = 16 << 20
MOST_WEIGHT = 255
Labels = tuple[bytes, ...]
Weights = Mapping[Labels, Mapping[bytes, int]]
"""By name, then by address (4 or 16 bytes)."""


class UnusableWeights(DnsPolicyError):
    """A weight file cannot be read, or is none. `signature` is the state that was looked at, if there was one."""

    def __init__(self, why: str, signature: Signature | None = None) -> None:
        super().__init__(why)
        self.signature = signature


class Version(msgspec.Struct, frozen=True):
    """One state of a file."""

    signature: Signature
    weights: Weights


def read_version(path: Path, known: Signature | None) -> Version | None:
    """Read the file unless its time, size and inode are those of `known`. Raises UnusableWeights."""
    try:
        found = read_changed(path, MAX_BYTES, known)
    except (OSError, ValueError) as problem:
        raise UnusableWeights(getattr(problem, "strerror", None) or str(problem)) from problem
    if found is None:
        return None
    if len(found.raw) > MAX_BYTES:
        raise UnusableWeights(f"more than {MAX_BYTES} bytes", found.signature)
    try:
        return Version(found.signature, read_text(found.raw.decode(errors="replace")))
    except ValueError as problem:
        raise UnusableWeights(str(problem), found.signature) from problem


def read_text(text: str) -> Weights:
    """Read lines `NAME`, each followed by lines `ADDRESS WEIGHT`. Raises ValueError with the line that is wrong."""
    found: dict[Labels, dict[bytes, int]] = {}
    current: dict[bytes, int] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            if len(words) == 1:
                current = found.setdefault(_name(words[0]), {})
            elif len(words) == 2:
                if current is None:
                    raise ValueError(f"{words[0]!r} stands below no name")
                current.setdefault(_address(words[0]), _weight(words[1]))
            else:
                raise ValueError(f"{words[2]!r} is one word too many")
        except (ValueError, DnsPolicyError) as problem:
            raise ValueError(f"line {number}: {problem}") from None
    return found


def _name(word: str) -> Labels:
    try:
        ip_address(word)
    except ValueError:
        return from_text(word).labels
    raise ValueError(f"{word!r} lacks its weight")


def _address(word: str) -> bytes:
    try:
        found = ip_address(word)
    except ValueError:
        raise ValueError(f"{word!r} is not an IP address") from None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.packed
    return found.packed


def _weight(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 3 and 1 <= int(word) <= MOST_WEIGHT):
        raise ValueError(f"{word!r} is not a weight from 1 to {MOST_WEIGHT}")
    return int(word)
