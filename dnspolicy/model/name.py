"""Domain names (RFC 1035 2.3, RFC 4343): the letters as received beside the labels to compare by."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from dnspolicy.model.errors import BadName

MAX_LABEL = 63
MAX_WIRE = 255
_PLAIN_BYTES = b"abcdefghijklmnopqrstuvwxyz0123456789-_"
_PLAIN = frozenset(_PLAIN_BYTES)
_SPECIAL = frozenset(b". '\"\\()@;")
"""What zone files read as more than a letter."""
_SIZES = tuple(bytes((size,)) for size in range(MAX_LABEL + 1))
_ESCAPED = re.compile(rb"\\(\d{3}|.)", re.DOTALL)


class Name(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One absolute domain name.

    `wire` is the uncompressed wire form with the letters as received; `labels` are lower-cased (ASCII only) and
    leave the root out. Names compare and hash by `labels`.
    """

    wire: bytes
    labels: tuple[bytes, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Name) and self.labels == other.labels

    def __ne__(self, other: object) -> bool:
        # A struct has a `!=` of its own, which does not ask `==`.
        return not self == other

    def __hash__(self) -> int:
        return hash(self.labels)

    def __str__(self) -> str:
        """Lower-case presentation form without the final dot (`.` for the root); odd bytes as `\\DDD`."""
        labels = self.labels
        joined = b".".join(labels)
        if len(joined.translate(None, _PLAIN_BYTES)) == len(labels) - 1:  # nothing odd but the dots between labels
            return joined.decode()
        return ".".join(map(label_text, labels)) or "."

    @property
    def dotted(self) -> str:
        """The same with its final dot, as in zone files."""
        return f"{self}." if self.labels else "."

    @property
    def key(self) -> bytes:
        """The lower-cased wire form."""
        return self.wire.lower()

    def under(self, zone: Name) -> bool:
        """Whether this name is `zone` or lies below it, label by label."""
        size = len(zone.labels)
        return not size or self.labels[-size:] == zone.labels

    def tail(self, count: int) -> Name:
        """The last `count` labels as a name, letters kept."""
        wire = self.wire
        at = 0
        for _ in range(len(self.labels) - count):
            at += wire[at] + 1
        return Name(wire[at:], self.labels[len(self.labels) - count :])

    @property
    def parent(self) -> Name:
        """The name without its first label. The root is its own parent."""
        return self.tail(max(len(self.labels) - 1, 0))


def label_text(label: bytes) -> str:
    """One label in presentation form: lower case, everything outside `[a-z0-9_-]` as `\\DDD` (RFC 1035 5.1)."""
    lowered = label.lower()
    if not lowered.translate(None, _PLAIN_BYTES):
        return lowered.decode()
    return "".join(chr(b) if b in _PLAIN else f"\\{b:03d}" for b in lowered)


def master_text(name: Name) -> str:
    """Lower case with the final dot and only the escapes that zone files need (RFC 1035 5.1), as CoreDNS shows names.

    This is what operators' patterns see; `from_text` reads it back.
    """
    labels = name.labels
    joined = b".".join(labels)
    if len(joined.translate(None, _PLAIN_BYTES)) == len(labels) - 1:
        return joined.decode() + "."
    return "".join(_master_label(label) + "." for label in labels) or "."


def _master_label(label: bytes) -> str:
    return "".join(f"\\{chr(b)}" if b in _SPECIAL else chr(b) if 0x20 < b < 0x7F else f"\\{b:03d}" for b in label)


def from_labels(labels: Iterable[bytes]) -> Name:
    """Build a name from labels, letters kept. Raises BadName when a label or the whole is too long or empty."""
    parts = tuple(labels)
    sizes = [len(label) for label in parts]
    if 0 in sizes or max(sizes, default=0) > MAX_LABEL:
        raise BadName("a label must have 1 to 63 bytes")
    wire = b"".join([_SIZES[len(label)] + label for label in parts]) + b"\0"
    if len(wire) > MAX_WIRE:
        raise BadName(f"a name must not have more than {MAX_WIRE} bytes")
    return Name(wire, tuple([label.lower() for label in parts]))


def from_text(text: str) -> Name:
    """Read presentation form, with or without the final dot; `\\DDD` and `\\X` escapes. Raises BadName."""
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError:
        raise BadName(f"{text!r}: only ASCII; write other bytes as \\DDD") from None
    if raw in (b".", b""):
        return ROOT
    try:
        return from_labels(raw.removesuffix(b".").split(b".") if b"\\" not in raw else _unescaped(raw))
    except BadName as problem:
        raise BadName(f"{text!r}: {problem}") from None


def _unescaped(raw: bytes) -> list[bytes]:
    """The labels of presentation form that has escapes. Raises BadName."""
    labels, label = [], bytearray()
    at = 0
    while at < len(raw):
        if raw[at : at + 1] == b"\\":
            match = _ESCAPED.match(raw, at)
            if (
                match is None
                or (len(match[1]) == 3 and int(match[1]) > 255)
                or (len(match[1]) == 1 and match[1].isdigit())
            ):
                raise BadName("a backslash needs three digits up to 255 or one other character")
            label.append(int(match[1]) if len(match[1]) == 3 else match[1][0])
            at = match.end()
        elif raw[at : at + 1] == b".":
            labels.append(bytes(label))
            label.clear()
            at += 1
        else:
            label.append(raw[at])
            at += 1
    if label:
        labels.append(bytes(label))
    return labels


ROOT = Name(b"\0", ())
